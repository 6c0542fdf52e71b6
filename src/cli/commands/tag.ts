import { resolveEnvironment } from "../../config/environment.ts";
import type { Config, Environment } from "../../config/types.ts";
import { documentOf } from "../../deploy/read-record.ts";
import { chooseVersioned } from "../../environments/version-choice.ts";
import { ShiplockError } from "../../errors.ts";
import { repositoryRoot, resolveCommit } from "../../release/source.ts";
import type { ReleaseDocument } from "../../release/types.ts";
import { beforeSentence, checkVersion, lookBeforeNaming, nameImages } from "../../release/version.ts";
import { argument, textFlag } from "../arguments.ts";
import { type CommandContext, loadProject, openHistory, originOf } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { printable } from "../output.ts";
import { registryLogins } from "../registry-logins.ts";
import { withSession } from "../session.ts";
import { registryOf } from "../wiring.ts";
import type { Flags } from "./table.ts";

/** Gives a version's name to the images that were built from a commit and ran in an environment. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { output, signal } = context;
  const config = await loadProject(context);
  const prefixes = Object.values(config.environments).map(({ tagPrefix }) => tagPrefix);
  const version = checkVersion(argument(args, 0), prefixes);
  const environment = environmentFor(config, textFlag(flags, "env"));
  const commit = await resolveCommit(await repositoryRoot(config.folder), textFlag(flags, "ref"));
  const { document, withdrawn } = await documentFor(context, config, environment, commit.hash);
  const { release } = document;
  const registry = registryOf(config, registryLogins(config, context));
  const looked = await lookBeforeNaming(release, version, flags["force"] === true, registry, signal);
  const acted = await nameImages(looked, version, registry);
  await remember(context, config, environment, version, document, acted > 0);

  const moved = looked.filter(({ image, before }) => before !== null && before !== image.digest);
  output.result({
    version,
    release: release.id,
    commit: release.commit,
    environment: environment.name,
    acted: acted > 0,
    images: looked.map(({ image, before }) => ({
      name: image.name,
      repository: image.repository,
      digest: image.digest,
      before,
    })),
  });
  const said = acted === 0 ? "is the name already of" : moved.length > 0 ? "was moved to" : "names";
  output.line(
    `${output.paint.green(version)} ${said} ${output.paint.bold(release.id)} ${printable(release.subject)}, which ran in ${environment.name}`,
  );
  for (const { image } of looked)
    output.line(`  ${image.name.padEnd(12)} ${image.repository}:${version} ${output.paint.dim(image.digest)}`);
  for (const one of moved) output.line(`  ${output.paint.yellow("before")} ${beforeSentence(one)}`);
  if (withdrawn) output.note(`warning: a rollback of ${environment.name} has left ${release.id} since`);
  return exitCodes.done;
}

/** The one that was named; otherwise `production`, or the only one there is. */
export function environmentFor(config: Config, named: string | null): Environment {
  if (named !== null) return resolveEnvironment(config, named);
  const all = Object.values(config.environments);
  const found = all.find(({ name }) => name === "production") ?? (all.length === 1 ? all[0] : undefined);
  if (found !== undefined) return found;
  throw new ShiplockError({
    code: "tag/which-environment",
    blame: "usage",
    message: `a version is what ran in production, and none of ${all.map(({ name }) => name).join(", ")} is called so`,
    remedy: "say in which of them it ran with --env",
  });
}

async function documentFor(
  context: CommandContext,
  config: Config,
  environment: Environment,
  commit: string,
): Promise<{ document: ReleaseDocument; withdrawn: boolean }> {
  return withSession(context, config, environment, async (session) => {
    const read = await session.record.read();
    const { entry, withdrawn } = chooseVersioned(read?.state ?? null, environment.name, commit);
    const document = await documentOf(session, entry.document);
    if (document === null)
      throw new ShiplockError({
        code: "record/incomplete",
        blame: "person",
        message: `the environment record names ${entry.release}, but not what it was`,
        remedy: "look at the folder `releases` of the environment on its home host",
      });
    if (document.release.dirty)
      throw new ShiplockError({
        code: "tag/dirty",
        blame: "gate",
        message: `${document.release.id} was built from a working tree, which is no commit's`,
        remedy: `commit, deploy the commit to ${environment.name}, and name that`,
      });
    return { document, withdrawn };
  });
}

/** The history of this machine; other machines ask the registry. */
async function remember(
  context: CommandContext,
  config: Config,
  environment: Environment,
  name: string,
  { release }: ReleaseDocument,
  acted: boolean,
): Promise<void> {
  const ledger = await openHistory(context);
  try {
    const known = (await ledger.versions(config.project)).find((entry) => entry.name === name);
    if (!acted && known?.release === release.id) return;
    await ledger.recordVersion({
      ...{ project: config.project, name, at: Date.now(), release: release.id, commit: release.commit },
      ...{ environment: environment.name, who: originOf(context, null).who },
      payload: Object.values(release.images).map(({ name: image, repository, digest }) => ({
        name: image,
        repository,
        digest,
      })),
    });
  } finally {
    await ledger.close();
  }
}
