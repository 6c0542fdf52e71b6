import type { Config, Environment } from "../config/types.ts";
import type { GateAnswer } from "../ledger/types.ts";
import { documentOf } from "../deploy/read-record.ts";
import type { DeploymentRequest } from "../deploy/request.ts";
import { passedBy } from "../environments/emergency/policy.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import { ShiplockError } from "../errors.ts";
import { makeDocument, keepBacking } from "../release/snapshot.ts";
import type { MadeImage } from "../release/make-image.ts";
import type { Release, ReleaseDocument, ReleaseImage, Snapshot } from "../release/types.ts";
import type { TargetSession } from "../targets/types.ts";
import type { Flags } from "./commands/table.ts";
import { showBuild } from "./build-lines.ts";
import { demandChecks } from "./check-gate.ts";
import type { CommandContext } from "./context.ts";
import { openHistory } from "./context.ts";
import { textFlag } from "./arguments.ts";
import { demandScan, withEvidence } from "./evidence.ts";
import { hookDemands } from "./hooks.ts";
import { demandNoLeaks } from "./leak-gate.ts";
import { printable } from "./output.ts";
import { passwordDemands } from "./registry-logins.ts";
import { demandTogether, ownerOf } from "./secrets.ts";
import { type CheckedOutCommit, checkOutRelease, releaseOf, snapshotOf } from "./release-source.ts";
import { refuseLatest } from "./version-lookup.ts";

/** `made`: how each image came to be. `gates`: what was asked before anything was built, and the answers. */
export type Prepared = {
  release: Release;
  snapshot: Snapshot;
  made: readonly MadeImage[];
  gates: readonly GateAnswer[];
};

export type PrepareFrom = {
  /** The release of another environment whose commit this is, with those of its images that belong to every environment. */
  promoted?: { release: Release; images: Readonly<Record<string, ReleaseImage>> };
  /** What is live where it goes: it knows its images and its checks, also on a machine whose history does not. */
  live?: () => Promise<Release | null>;
  /** Called with the commit before anything of it is checked or built; what it throws ends it there. */
  beforeBuild?: (source: CheckedOutCommit) => Promise<void>;
};

/**
 * A release and its configuration here, from `--ref`, `--dirty` or what is checked out. Builds and pushes what was not built before.
 * @param use what it is for: what is deployed needs its secrets, and they are asked for before anything is built
 */
export async function prepareRelease(
  context: CommandContext,
  config: Config,
  environment: string,
  use: "build" | "deploy",
  flags: Flags,
  from: PrepareFrom = {},
): Promise<Prepared> {
  const { output } = context;
  const { promoted = null } = from;
  const live = once(from.live ?? (async () => null));
  const checkedOut = await checkOutRelease(
    context,
    config,
    environment,
    promoted === null ? textFlag(flags, "ref") : promoted.release.commit,
    promoted === null && flags["dirty"] === true,
  );
  // What is promoted is named by its hash, whatever its branch points to by now, and keeps the branch it came from.
  const source =
    promoted === null ? checkedOut : { ...checkedOut, commit: { ...checkedOut.commit, ...namedBy(promoted.release) } };
  try {
    const { commit } = source;
    sayWhatIsTaken(context, "release", source);
    await from.beforeBuild?.(source);
    const nothingToBuild = Object.keys(source.config.images).every((name) => promoted?.images[name] !== undefined);
    const leaks = nothingToBuild
      ? []
      : await demandNoLeaks(context, source, use === "deploy" ? { environment: source.environment } : {});
    // As everywhere the rules are those of this configuration, not those that the commit brings.
    const mayPass = passedBy(config.environments[environment]?.gates.emergency).has("checks");
    const { passed, gates } = await demandChecks(context, source, flags, live, use === "deploy" && mayPass);
    const snapshot = await snapshotOf(context, source);
    const owner = ownerOf(source.config, environment);
    if (use === "deploy")
      await demandTogether(context, [
        { owner, names: snapshot.secrets.names, who: environment },
        ...hookDemands(config, environment),
        ...passwordDemands(source.config),
      ]);
    const made = promoted?.images ?? {};
    const ofCommit = Object.keys(made).length > 0 ? made : await imagesMadeBefore(context, config.project, commit.hash);
    let images: readonly MadeImage[] = [];
    const { release, gates: scanned } = await withEvidence(context, config, source, flags, async (examine) => {
      const built = await releaseOf(context, source, {
        ...showBuild(output, source.config),
        made: ofCommit,
        known: [once(() => imagesInHistory(context, config.project, source.dirty)), async () => imagesOf(await live())],
        origin: promoted?.release.id ?? null,
        noCache: flags["cache"] === false,
        examine,
      });
      images = built.made;
      return { ...built.release, checks: passed };
    });
    return { release, snapshot, made: images, gates: [...leaks, ...gates, ...scanned] };
  } finally {
    await source.remove();
  }
}

function namedBy({ ref, refKind = null }: Release): Pick<Release, "ref" | "refKind"> {
  return { ref, refKind };
}

/**
 * The heading of what is built or checked: which commit, and that the working tree's changes are no part of it.
 * @param left what is said of those changes
 */
export function sayWhatIsTaken(
  { output }: CommandContext,
  what: string,
  source: CheckedOutCommit,
  left: "not in the release" | "not checked" = "not in the release",
): void {
  const { commit, dirty, leftOut } = source;
  output.line(
    `${output.paint.bold(`${what} of ${commit.hash.slice(0, 7)}`)} ${printable(commit.subject)}${dirty ? output.paint.yellow(" (working tree, not the commit)") : ""}`,
  );
  if (leftOut > 0) output.line(`  ${output.paint.yellow(leftOutSentence(leftOut, left))}`);
}

function leftOutSentence(count: number, left: string): string {
  const files = count === 1 ? "one file" : `${count} files`;
  return `${files} of the working tree differ${count === 1 ? "s" : ""} from this commit and ${count === 1 ? "is" : "are"} ${left}; commit first, or pass --dirty`;
}

/** What a deployment makes live, and what the gates said of it. */
export type Chosen = { choose: DeploymentRequest["choose"]; gates: readonly GateAnswer[] };

/**
 * What `--release` names in an environment: a release that was live there, with the configuration it had. What was found in its images is judged as of today, before the
 * lease is asked for, since a scan may take minutes; under it the release is looked up again.
 * @throws ShiplockError `release/unknown`, and those of `demandScan`
 */
export async function chooseKnownRelease(
  context: CommandContext,
  config: Config,
  environment: Environment,
  session: TargetSession,
  name: string,
): Promise<Chosen> {
  refuseLatest(name);
  const read = await session.record.read();
  const { release } = await knownDocument(session, environment.name, read?.state.healthy ?? [], name);
  const gates = await demandScan(context, config, environment, release);
  return {
    choose: async (state) => ({
      document: await knownDocument(session, environment.name, state.healthy, name),
      notes: [],
    }),
    gates,
  };
}

async function knownDocument(
  session: TargetSession,
  environment: string,
  healthy: EnvironmentState["healthy"],
  name: string,
): Promise<ReleaseDocument> {
  const entry = healthy.find(
    (candidate) => candidate.release === name || (name.length >= 7 && candidate.release.startsWith(name)),
  );
  const document = await documentOf(session, entry?.document ?? null);
  if (document !== null) return document;
  throw new ShiplockError({
    code: "release/unknown",
    blame: "usage",
    message: `${environment} never had a release ${JSON.stringify(name)}`,
    remedy: `name one of: ${healthy.map((candidate) => candidate.release).join(", ") || "(none)"}; or deploy a commit with --ref`,
  });
}

/** A prepared release, with backing services as the environment has them. */
export function choosePrepared(prepared: Prepared): Chosen {
  const choose: DeploymentRequest["choose"] = async (_state, previous) => {
    const { snapshot, changed } = keepBacking(prepared.snapshot, previous?.snapshot ?? null);
    const notes = changed.map(
      (name) =>
        `the definition of the backing service ${name} changed in the compose file; a deployment does not touch backing services, so it stays as it is`,
    );
    return { document: makeDocument(prepared.release, snapshot), notes };
  };
  return { choose, gates: prepared.gates };
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

/** So many of the newest releases are looked through for images with the same inputs; an image that is still in use is in each of them. */
const releasesLookedThrough = 200;

/** Images of the newest releases that this machine knows. Those of working trees are only for working trees: the commit in their labels is not what they hold. */
async function imagesInHistory(context: CommandContext, project: string, dirty: boolean): Promise<ReleaseImage[]> {
  const ledger = await openHistory(context);
  try {
    const releases = (await ledger.recentReleases(project, releasesLookedThrough)).map(
      (entry) => entry.payload as Release,
    );
    return releases.filter((release) => dirty || !release.dirty).flatMap((release) => Object.values(release.images));
  } finally {
    await ledger.close();
  }
}

/** Images of the release that is live in an environment, as its record has them. */
export async function releaseLiveIn(session: TargetSession): Promise<Release | null> {
  const read = await session.record.read();
  return (await documentOf(session, read?.state.live?.document ?? null))?.release ?? null;
}

function imagesOf(release: Release | null): readonly ReleaseImage[] {
  return release === null || release.dirty ? [] : Object.values(release.images);
}

/** Asks once, however often the answer is wanted. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | null = null;
  return () => {
    answer ??= ask();
    return answer;
  };
}
