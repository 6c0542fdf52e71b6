import { isLocalRepository } from "../config/local-repository.ts";
import type { Config } from "../config/types.ts";
import { documentOf } from "../deploy/read-record.ts";
import { isNamed } from "../environments/record/rollback-choice.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import { isTag, parseReference } from "../release/registry/reference.ts";
import type { Registry } from "../release/registry/types.ts";
import type { Release } from "../release/types.ts";
import { versionProblem } from "../release/version-name.ts";
import type { TargetSession } from "../targets/types.ts";
import { type CommandContext, openHistory } from "./context.ts";

/**
 * What `--to` names: as it is where the environment record knows it; the id of the release that is called so where it is a version. The registry says what a version stands for, on
 * whichever machine it was named; the history of this machine does where the registry does not know or cannot be asked.
 * @throws ShiplockError `release/latest`, `rollback/version-not-here`
 */
export async function resolveVersion(
  context: CommandContext,
  config: Config,
  to: string,
  state: EnvironmentState,
  session: TargetSession,
  registry: Registry,
): Promise<string> {
  refuseLatest(to);
  if (state.healthy.some((entry) => isNamed(entry, to))) return to;
  const prefixes = Object.values(config.environments).map(({ tagPrefix }) => tagPrefix);
  // The tag of an environment's own image counts in that environment alone.
  if (!isTag(to) || versionProblem(to, prefixes) !== null) return to;
  const digests = await digestsOf(context, config, to, registry);
  if (digests.size === 0) return (await releaseInHistory(context, config, to)) ?? to;
  for (const entry of state.healthy) {
    const document = await documentOf(session, entry.document);
    if (document !== null && hasDigests(document.release, digests)) return entry.release;
  }
  throw new ShiplockError({
    code: "rollback/version-not-here",
    blame: "gate",
    message: `${to} names images that were never healthy in ${state.environment}`,
    remedy: [
      `deploy that version's commit to ${state.environment}`,
      ...(state.healthy.length === 0
        ? []
        : [`choose one of: ${state.healthy.map((entry) => entry.release).join(", ")}`]),
    ].join(", or "),
    details: [...digests].map(([repository, digest]) => `${repository}@${digest}`),
  });
}

/** `latest` says nothing about what would be deployed. */
export function refuseLatest(name: string): void {
  if (name.toLowerCase() !== "latest") return;
  throw new ShiplockError({
    code: "release/latest",
    blame: "usage",
    message: `"latest" is whatever was pushed last, and is not deployed`,
    remedy: "name a release, a version, a tag with a commit, or a commit",
  });
}

async function digestsOf(
  context: CommandContext,
  config: Config,
  tag: string,
  registry: Registry,
): Promise<Map<string, string>> {
  const all = new Set(Object.values(config.images).map(({ repository }) => repository));
  // Images that go to no registry have no name there either.
  const repositories = [...all].filter((repository) => !isLocalRepository(repository));
  try {
    const heads = await Promise.all(
      repositories.map((repository) =>
        registry.head({ ...parseReference(repository), tag, digest: null }, { signal: context.signal }),
      ),
    );
    return new Map(
      repositories.flatMap((repository, index) => (heads[index] ? [[repository, heads[index].digest]] : [])),
    );
  } catch (error) {
    context.signal.throwIfAborted();
    context.output.note(
      `warning: the registry cannot say what ${tag} is (${messageOf(error)}); what this machine remembers counts`,
    );
    return new Map();
  }
}

/** Whether a version is this release: every image of it that lies in one of these repositories, and at least one. */
function hasDigests({ images }: Release, digests: ReadonlyMap<string, string>): boolean {
  const all = Object.values(images).map((image) => digests.get(image.repository) === image.digest);
  return all.length > 0 && all.every(Boolean);
}

async function releaseInHistory(context: CommandContext, config: Config, name: string): Promise<string | null> {
  const ledger = await openHistory(context);
  try {
    return (await ledger.versions(config.project)).find((entry) => entry.name === name)?.release ?? null;
  } finally {
    await ledger.close();
  }
}
