import type { Config } from "../config/types.ts";
import { documentOf } from "../deploy/read-record.ts";
import type { DeploymentRequest } from "../deploy/request.ts";
import { ShiplockError } from "../errors.ts";
import { makeDocument, keepBacking } from "../release/snapshot.ts";
import type { Release, ReleaseImage, Snapshot } from "../release/types.ts";
import { readSecrets } from "../secrets/environment.ts";
import type { TargetSession } from "../targets/types.ts";
import type { Flags } from "./commands/table.ts";
import { buildLines } from "./build-lines.ts";
import type { CommandContext } from "./context.ts";
import { openHistory } from "./context.ts";
import { textFlag } from "./arguments.ts";
import { printable } from "./output.ts";
import { rememberRelease } from "./record-history.ts";
import { checkOutRelease, releaseOf, snapshotOf } from "./release-source.ts";

/**
 * A release and its configuration here, from `--ref`, `--dirty` or what is checked out. Builds and pushes what was not built before.
 * @param use what it is for: what is deployed needs its secrets, and they are asked for before anything is built
 * @param promoted the release of another environment whose commit this is, with those of its images that belong to every environment
 */
export async function prepareRelease(
  context: CommandContext,
  config: Config,
  environment: string,
  use: "build" | "deploy",
  flags: Flags,
  promoted: { release: Release; images: Readonly<Record<string, ReleaseImage>> } | null = null,
): Promise<{ release: Release; snapshot: Snapshot }> {
  const { output } = context;
  const checkedOut = await checkOutRelease(
    context,
    config,
    environment,
    promoted === null ? textFlag(flags, "ref") : promoted.release.commit,
    promoted === null && flags["dirty"] === true,
  );
  // What is promoted is named by its hash, whatever its branch points to by now, and keeps the branch it came from.
  const source =
    promoted === null ? checkedOut : { ...checkedOut, commit: { ...checkedOut.commit, ref: promoted.release.ref } };
  try {
    const { commit } = source;
    output.line(
      `${output.paint.bold(`release of ${commit.hash.slice(0, 7)}`)} ${printable(commit.subject)}${source.dirty ? output.paint.yellow(" (working tree, not the commit)") : ""}`,
    );
    if (source.leftOut > 0) output.line(`  ${output.paint.yellow(leftOutSentence(source.leftOut))}`);
    const readers = new Map<string, ReturnType<typeof buildLines>>();
    const log = (image: string, line: string): void => {
      const reader = readers.get(image) ?? buildLines();
      readers.set(image, reader);
      const text = reader(line);
      if (text !== null) output.line(`  ${output.paint.dim(`${image} │`)} ${printable(text)}`);
    };
    const snapshot = await snapshotOf(context, source);
    if (use === "deploy") readSecrets(snapshot.secrets.names, context.env, environment);
    const made = promoted?.images ?? {};
    const known = Object.keys(made).length > 0 ? made : await imagesMadeBefore(context, config.project, commit.hash);
    const release = await releaseOf(context, source, known, promoted?.release.id ?? null, log);
    await remember(context, release);
    return { release, snapshot };
  } finally {
    await source.remove();
  }
}

function leftOutSentence(count: number): string {
  const files = count === 1 ? "one file" : `${count} files`;
  return `${files} of the working tree differ${count === 1 ? "s" : ""} from this commit and ${count === 1 ? "is" : "are"} not in the release; commit first, or pass --dirty`;
}

/** What `--release` names in an environment: a release that was live there, with the configuration it had. */
export function chooseKnownRelease(session: TargetSession, name: string): DeploymentRequest["choose"] {
  return async (state) => {
    const entry = state.healthy.find(
      (candidate) => candidate.release === name || (name.length >= 7 && candidate.release.startsWith(name)),
    );
    const document = await documentOf(session, entry?.document ?? null);
    if (document !== null) return { document, notes: [] };
    throw new ShiplockError({
      code: "release/unknown",
      blame: "usage",
      message: `${state.environment} never had a release ${JSON.stringify(name)}`,
      remedy: `name one of: ${state.healthy.map((candidate) => candidate.release).join(", ") || "(none)"}; or deploy a commit with --ref`,
    });
  };
}

/** A prepared release, with backing services as the environment has them. */
export function choosePrepared(prepared: { release: Release; snapshot: Snapshot }): DeploymentRequest["choose"] {
  return async (_state, previous) => {
    const { snapshot, changed } = keepBacking(prepared.snapshot, previous?.snapshot ?? null);
    const notes = changed.map(
      (name) =>
        `the definition of the backing service ${name} changed in the compose file; a deployment does not touch backing services, so it stays as it is`,
    );
    return { document: makeDocument(prepared.release, snapshot), notes };
  };
}

/** Images of this commit that this machine built before and that belong to every environment. */
async function imagesMadeBefore(
  context: CommandContext,
  project: string,
  commit: string,
): Promise<Record<string, ReleaseImage>> {
  const ledger = await openHistory(context);
  try {
    const releases = (await ledger.releasesByCommit(project, commit))
      .map((entry) => entry.payload as Release)
      .filter((release) => !release.dirty);
    const shared = releases
      .flatMap((release) => Object.values(release.images))
      .filter((image) => image.environment === null);
    return Object.fromEntries(shared.reverse().map((image) => [image.name, image]));
  } finally {
    await ledger.close();
  }
}

async function remember(context: CommandContext, release: Release): Promise<void> {
  const ledger = await openHistory(context);
  try {
    await rememberRelease(ledger, release);
  } finally {
    await ledger.close();
  }
}
