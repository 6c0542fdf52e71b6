import { readFile, rm } from "node:fs/promises";
import { availableParallelism, hostname } from "node:os";
import { join, relative } from "node:path";
import { resolveArguments, resolveEnvironment, resolvePublicUrls, resolveRoutes } from "../config/environment.ts";
import { resolveComposeFiles } from "../config/find.ts";
import { loadConfig } from "../config/load.ts";
import { declaredSecrets } from "../config/secret-names.ts";
import { withSecretSourcesOf } from "../config/secret-sources.ts";
import type { Config, Environment } from "../config/types.ts";
import { ShiplockError } from "../errors.ts";
import { systemClock } from "../clock.ts";
import type { BuildEvent } from "../release/build.ts";
import type { BuildSource } from "../release/build-image.ts";
import { buildxBuilder } from "../release/buildkit/buildx.ts";
import { cacheReference } from "../release/cache-place.ts";
import { inputsOfImage } from "../release/inputs/of-image.ts";
import type { MakeImageRequest } from "../release/make-image.ts";
import { type MadeRelease, makeRelease } from "../release/make-release.ts";
import { createPlaces } from "../release/parallel.ts";
import type { RegistryLogin } from "../release/registry/types.ts";
import { refuseSecretArguments } from "../release/secret-arguments.ts";
import { registryShipper, shipperByName } from "../release/ship.ts";
import { engineShipper } from "../release/ship-from-engine.ts";
import { makeSnapshot } from "../release/snapshot.ts";
import { checkOut, type Commit, repositoryRoot, resolveCommit, uncommittedFiles } from "../release/source.ts";
import type { Snapshot } from "../release/types.ts";
import { type VerifiedImage, verifyImages } from "../release/verify-images.ts";
import { makeScratch } from "../scratch.ts";
import { dockerCompose } from "../targets/compose/compose-program.ts";
import { renderCompose } from "../targets/compose/render.ts";
import type { CommandContext } from "./context.ts";
import { printable } from "./output.ts";
import { registryAuth, registryLogins } from "./registry-logins.ts";
import { attemptSecrets, demandSecrets, ownerOf } from "./secrets.ts";
import { anonymousRegistry, buildEngine, engineLogin, placesOf, publicRegistryOf, registryOf } from "./wiring.ts";

const buildTimeoutMs = 30 * 60_000;

/** A commit's files and its own configuration: what is built and deployed comes from here and not from the working tree. */
export type CheckedOutCommit = {
  commit: Commit;
  dirty: boolean;
  /** Files that the working tree has otherwise than the commit, and that are therefore left out; 0 unless what is checked out was asked for. */
  leftOut: number;
  /** The repository's root; the configuration's folder is the root or lies below it. */
  root: string;
  folder: string;
  config: Config;
  remove(): Promise<void>;
};

export type CheckedOut = CheckedOutCommit & { environment: Environment };

/** `checkOutCommit`, with one of the environments of the configuration that was committed. */
export async function checkOutRelease(
  context: CommandContext,
  config: Config,
  environment: string,
  ref: string | null,
  dirty: boolean,
): Promise<CheckedOut> {
  const source = await checkOutCommit(context, config, ref, dirty);
  try {
    return { ...source, environment: resolveEnvironment(source.config, environment) };
  } catch (error) {
    await source.remove();
    throw error;
  }
}

/**
 * A clean checkout of what was asked for, with the configuration that was committed with it.
 * @param ref branch, tag or commit; null for what is checked out
 * @param dirty takes the working tree as it is instead, and says so in the release
 */
export async function checkOutCommit(
  context: CommandContext,
  config: Config,
  ref: string | null,
  dirty: boolean,
): Promise<CheckedOutCommit> {
  if (dirty && ref !== null) throw dirtyRef(ref);
  const root = await repositoryRoot(config.folder);
  const commit = await resolveCommit(root, ref);
  if (dirty)
    return {
      commit,
      dirty,
      leftOut: 0,
      root,
      folder: config.folder,
      config,
      remove: async () => undefined,
    };
  const leftOut = ref === null ? await uncommittedFiles(root) : 0;
  const scratch = await makeScratch("checkout");
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
      checkout: { root: folder, folder: config.folder },
    });
    // The commit may name others than the working tree.
    context.output.hide(Object.values(declaredSecrets(committed, context.env)));
    return {
      commit,
      dirty,
      leftOut,
      root: folder,
      folder: join(folder, relative(root, config.folder)),
      config: withSecretSourcesOf(committed, config),
      remove,
    };
  } catch (error) {
    await remove();
    throw error instanceof ShiplockError && error.code === "config/not-found"
      ? notCommitted(config.file, commit)
      : error;
  }
}

/** What is told while images are made. */
export type BuildTellers = {
  tell: (image: string, platform: string, event: BuildEvent) => void;
  log: (image: string, line: string) => void;
};

export type MakeOptions = Pick<MakeImageRequest, "made" | "known" | "origin" | "noCache" | "examine"> & BuildTellers;

/** The images of a checkout, built or found. */
export async function releaseOf(
  context: CommandContext,
  source: CheckedOut,
  options: MakeOptions,
): Promise<MadeRelease> {
  const { config, environment } = source;
  const engine = buildEngine(context.env);
  const logins = registryLogins(config, context);
  const login = await registryAuth(config, context);
  const building = await buildSource(context, source, environment, login, { ...options, writesCache: true });
  const carriers = placesOf(config, null, context.env);
  const shipper = shipperByName(
    registryShipper(engine, registryOf(config, logins), engineLogin(logins), anonymousRegistry(config)),
    engineShipper(engine, carriers.places, hostname()),
  );
  return makeRelease({
    ...building,
    ...options,
    config,
    environment,
    dirty: source.dirty,
    shipper,
    inputsOf: async (image) => {
      // Not asked before: who finds every image where it was shipped to needs no engine.
      const { os, architecture } = await engine.info({ signal: context.signal });
      return inputsOfImage({
        image,
        project: config.project,
        folder: source.folder,
        args: building.argumentsOf(image.name),
        secrets: await building.secretsOf(image),
        builder: `${os}/${architecture}`,
        sources: { engine, registry: publicRegistryOf(config, logins) },
        signal: context.signal,
      });
    },
    clock: systemClock,
  }).finally(() => carriers.close());
}

/**
 * Builds every image of a checkout, whatever service has it, and keeps nothing. No login is needed; where there is one, the registry's cache is read.
 * @param environment whose values fill in arguments; null for none
 */
export async function verifiedImagesOf(
  context: CommandContext,
  source: CheckedOutCommit,
  environment: Environment | null,
  options: BuildTellers & { noCache: boolean },
): Promise<VerifiedImage[]> {
  const { config } = source;
  const needing = Object.values(config.images).find((image) => image.perEnvironment);
  if (environment === null && needing !== undefined) throw environmentNeeded(needing.name);
  const login = await loginIfThere(context, config);
  return verifyImages(Object.values(config.images), {
    ...(await buildSource(context, source, environment, login, { ...options, writesCache: false })),
    clock: systemClock,
  });
}

/** The configured login, for who can do without one. */
async function loginIfThere(context: CommandContext, config: Config): Promise<RegistryLogin | null> {
  const name = config.registry?.login?.passwordVariable;
  if (name === undefined) return null;
  const found = await attemptSecrets(context, ownerOf(config, null), [name], "nothing is read from the registry");
  return found.has(name) ? registryAuth(config, context) : null;
}

async function buildSource(
  context: CommandContext,
  source: CheckedOutCommit,
  environment: Environment | null,
  login: RegistryLogin | null,
  options: Pick<BuildTellers, "tell"> & { noCache: boolean; writesCache: boolean },
): Promise<BuildSource> {
  const { config } = source;
  const { env, signal } = context;
  const cache = config.registry?.cache;
  const declared = await secretsNamedAnywhere(context, config, environment);
  return {
    commit: source.commit,
    checkout: source.folder,
    builder: buildxBuilder({
      env,
      engine: buildEngine(env),
      login,
      auth: engineLogin(registryLogins(config, context)),
    }),
    places: createPlaces(availableParallelism()),
    argumentsOf: (image) => {
      // Without an environment there is no argument that takes a value from one, so that any of them gives the same.
      const values = environment ?? Object.values(config.environments)[0];
      const args = values === undefined ? {} : resolveArguments(config, image, values, env);
      refuseSecretArguments(image, args, declared);
      return args;
    },
    // An image that every environment shares is built the same for all of them, so it takes the project's secrets.
    secretsOf: (image) => {
      const owner = ownerOf(config, image.perEnvironment && environment !== null ? environment.name : null);
      return demandSecrets(context, owner, image.secrets, `the build of ${image.name}`);
    },
    noCache: options.noCache,
    cacheOf: (image, platform) =>
      cache === undefined ? null : { reference: cacheReference(cache, image, platform), write: options.writesCache },
    buildTimeoutMs,
    signal,
    tell: options.tell,
  };
}

/**
 * Every secret that the configuration names anywhere and that has a value here: what may be in no build argument. Nothing is looked up where no image has an argument
 * that could hold one.
 */
async function secretsNamedAnywhere(
  context: CommandContext,
  config: Config,
  environment: Environment | null,
): Promise<Record<string, string>> {
  if (Object.values(config.images).every(({ args }) => Object.keys(args).length === 0)) return {};
  const owner = ownerOf(config, environment?.name ?? null);
  const without = "build arguments are not compared with the secrets in it";
  const found = await attemptSecrets(context, owner, environment?.secrets.names ?? [], without);
  const looked = [...found.values()].map(({ name, value }): [string, string] => [name, value]);
  return Object.fromEntries(
    [...Object.entries(declaredSecrets(config, context.env)), ...looked].filter(([, value]) => value !== ""),
  );
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

function environmentNeeded(image: string): ShiplockError {
  return new ShiplockError({
    code: "build/environment-needed",
    blame: "usage",
    message: `the image "${image}" takes values of an environment, so it can be built for one only`,
    remedy: "name one: `shiplock build staging --verify`",
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
    remedy: "commit the configuration, or pass --dirty for the working tree as it is",
  });
}
