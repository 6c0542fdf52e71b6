import { mkdtemp, readFile, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { resolveArguments, resolveEnvironment, resolvePublicUrls, resolveRoutes } from "../config/environment.ts";
import { resolveComposeFiles } from "../config/find.ts";
import { loadConfig } from "../config/load.ts";
import type { Config, Environment } from "../config/types.ts";
import { ShiplockError } from "../errors.ts";
import { buildxBuilder } from "../release/build.ts";
import { makeRelease } from "../release/make-release.ts";
import { registryShipper, shipperByName } from "../release/ship.ts";
import { engineShipper } from "../release/ship-from-engine.ts";
import { makeSnapshot } from "../release/snapshot.ts";
import { checkOut, type Commit, repositoryRoot, resolveCommit, uncommittedFiles } from "../release/source.ts";
import type { Release, ReleaseImage, Snapshot } from "../release/types.ts";
import { readSecrets } from "../secrets/environment.ts";
import { dockerCompose } from "../targets/compose/compose-program.ts";
import { renderCompose } from "../targets/compose/render.ts";
import type { CommandContext } from "./context.ts";
import { printable } from "./output.ts";
import { buildEngine, placesOf, registryAuth, registryOf } from "./wiring.ts";

const buildTimeoutMs = 30 * 60_000;

/** A commit's files and its own configuration: what is built and deployed comes from here and not from the working tree. */
export type CheckedOut = {
  commit: Commit;
  dirty: boolean;
  /** Files that the working tree has otherwise than the commit, and that are therefore left out; 0 unless what is checked out was asked for. */
  leftOut: number;
  folder: string;
  config: Config;
  environment: Environment;
  remove(): Promise<void>;
};

/**
 * A clean checkout of what was asked for, with the configuration that was committed with it.
 * @param ref branch, tag or commit; null for what is checked out
 * @param dirty takes the working tree as it is instead, and says so in the release
 */
export async function checkOutRelease(
  context: CommandContext,
  config: Config,
  environment: string,
  ref: string | null,
  dirty: boolean,
): Promise<CheckedOut> {
  if (dirty && ref !== null) throw dirtyRef(ref);
  const root = await repositoryRoot(config.folder);
  const commit = await resolveCommit(root, ref);
  if (dirty)
    return {
      commit,
      dirty,
      leftOut: 0,
      folder: config.folder,
      config,
      environment: resolveEnvironment(config, environment),
      remove: async () => undefined,
    };
  const leftOut = ref === null ? await uncommittedFiles(root) : 0;
  const scratch = await mkdtemp(join(tmpdir(), "shiplock-checkout-"));
  const remove = (): Promise<void> => rm(scratch, { recursive: true, force: true });
  try {
    const folder = join(scratch, "source");
    const submodules = await checkOut(root, commit, folder);
    if (submodules.length > 0)
      context.output.line(
        `${context.output.paint.yellow("not in the release")}: the submodules ${submodules.map(printable).join(", ")}, whose folders stay empty`,
      );
    const file = join(folder, relative(root, config.file));
    const committed = await loadConfig({
      path: file,
      cwd: folder,
      readFile: (path) => readFile(path, "utf8"),
      env: context.env,
    });
    return {
      commit,
      dirty,
      leftOut,
      folder: join(folder, relative(root, config.folder)),
      config: committed,
      environment: resolveEnvironment(committed, environment),
      remove,
    };
  } catch (error) {
    await remove();
    throw error instanceof ShiplockError && error.code === "config/not-found"
      ? notCommitted(config.file, commit)
      : error;
  }
}

/** The images of a checkout, built or found. */
export async function releaseOf(
  context: CommandContext,
  source: CheckedOut,
  made: Readonly<Record<string, ReleaseImage>>,
  origin: string | null,
  log: (image: string, line: string) => void,
): Promise<Release> {
  const { config, environment } = source;
  const engine = buildEngine(context.env);
  const places = placesOf(config, null, context.env);
  const shipper = shipperByName(
    registryShipper(engine, registryOf(config, context.env), registryAuth(config, context.env)),
    engineShipper(engine, places.places, hostname()),
  );
  return makeRelease({
    config,
    environment,
    commit: source.commit,
    dirty: source.dirty,
    checkout: source.folder,
    builder: buildxBuilder(context.env),
    shipper,
    argumentsOf: (image) => resolveArguments(config, image, environment, context.env),
    secret: (name) => {
      const value = readSecrets([name], context.env, "the build")[name] ?? "";
      context.output.hide([value]);
      return value;
    },
    made,
    origin,
    now: new Date(),
    buildTimeoutMs,
    signal: context.signal,
    log,
  }).finally(() => places.close());
}

/** The configuration of a checkout in its environment, as data. */
export async function snapshotOf(context: CommandContext, source: CheckedOut): Promise<Snapshot> {
  const { config, environment, folder } = source;
  const files = await resolveComposeFiles({ compose: config.compose, folder }, (path) => readFile(path, "utf8"));
  const rendered = await renderCompose({
    compose: dockerCompose(context.env),
    directory: folder,
    composeFiles: files.map((file) => relative(folder, file)),
    composeProject: `${config.project}-${environment.name}`,
    variables: { ...environment.variables },
    secretNames: environment.secrets.names,
    released: Object.keys(config.services),
    backing: config.backing,
  });
  return makeSnapshot({
    config,
    environment,
    rendered,
    routes: resolveRoutes(config, environment, context.env),
    publicUrl: resolvePublicUrls(config, environment, context.env).url,
  });
}

function dirtyRef(ref: string): ShiplockError {
  return new ShiplockError({
    code: "source/dirty-ref",
    blame: "usage",
    message: `--dirty takes the working tree, which is not ${ref}`,
    remedy: "leave out --dirty to build that commit, or --ref to build the working tree",
  });
}

function notCommitted(file: string, commit: Commit): ShiplockError {
  return new ShiplockError({
    code: "source/config-not-committed",
    blame: "usage",
    message: `commit ${commit.hash.slice(0, 7)} does not have ${file}`,
    remedy: "commit the configuration, or pass --dirty to deploy the working tree",
  });
}
