import { ShiplockError } from "../../errors.ts";
import type { EnvironmentState, HealthyRelease } from "./types.ts";

/**
 * Where a rollback goes: the newest release that was healthy here, is not the live one and is not withdrawn; or the one that `to` names (release id or a
 * prefix of at least four characters, commit, or tag).
 * @param gone releases whose images can no longer be had; they are passed over, and named where one was asked for
 * @throws ShiplockError `rollback/nowhere`, `rollback/unknown`, `rollback/ambiguous`, `rollback/live`, `rollback/images-gone`
 */
export function chooseRollback(
  state: EnvironmentState,
  to: string | null,
  gone: ReadonlySet<string> = new Set(),
): HealthyRelease {
  return to === null ? previousHealthy(state, gone) : namedHealthy(state, to, gone);
}

/**
 * Releases that a rollback that is asked for now may leave: what is live, and what is in progress, which may be live by the time that it begins. Not what
 * somebody else's rollback just goes back to.
 */
export function leftByRollback({ live, operation, deployments }: EnvironmentState): string[] {
  const inProgress = deployments.find(({ deployment }) => deployment === operation?.deployment);
  const known = live === null ? [] : [live.release];
  return inProgress === undefined || inProgress.kind === "rollback" ? known : [...known, inProgress.release];
}

/**
 * A rollback without a name leaves what its asker saw. Where something else has become live since, the release before that is what they wanted to leave.
 * @param leaves as it was when it was asked for
 * @throws ShiplockError `rollback/moved-on`
 */
export function demandSameLive({ live, environment }: EnvironmentState, leaves: readonly string[]): void {
  if (live === null || leaves.includes(live.release)) return;
  throw movedOn(
    `${live.release} has become live in ${environment} since this rollback was asked for (${live.deployment}, by ${live.by})`,
    `look whether that is well; \`shiplock rollback ${environment}\` goes back from it`,
  );
}

/**
 * A rollback that its command left in the queue has its release chosen by what was live then.
 * @throws ShiplockError `rollback/moved-on`
 */
export function demandNothingSince(
  { live, environment }: EnvironmentState,
  { deployment, release, createdAt }: { deployment: string; release: string; createdAt: string },
): void {
  if (live === null || Date.parse(live.at) <= Date.parse(createdAt)) return;
  throw movedOn(
    `${live.release} has become live in ${environment} since the rollback ${deployment} to ${release} was asked for`,
    `end it with \`shiplock cancel ${environment} ${deployment}\`; \`shiplock rollback ${environment}\` goes back from what is live now`,
  );
}

function movedOn(message: string, remedy: string): ShiplockError {
  return new ShiplockError({ code: "rollback/moved-on", blame: "gate", message, remedy });
}

/** Everything a rollback may choose, best first: healthy here, not live, not withdrawn, images there. */
export function rollbackCandidates(state: EnvironmentState, gone: ReadonlySet<string> = new Set()): HealthyRelease[] {
  const withdrawn = new Set(state.withdrawn.map((entry) => entry.release));
  return state.healthy.filter(
    (entry) => entry.release !== state.live?.release && !withdrawn.has(entry.release) && !gone.has(entry.release),
  );
}

function previousHealthy(state: EnvironmentState, gone: ReadonlySet<string>): HealthyRelease {
  const [first] = rollbackCandidates(state, gone);
  if (first !== undefined) return first;
  const withdrawn = state.withdrawn.map((entry) => entry.release);
  throw new ShiplockError({
    code: "rollback/nowhere",
    blame: "gate",
    message: `${state.environment} has no release to go back to: nothing else was healthy here and is not withdrawn`,
    remedy: `deploy a commit that works${withdrawn.length === 0 ? "" : ", or name one of the withdrawn releases with --to"}`,
    details: withdrawn.length === 0 ? [] : [`withdrawn here: ${withdrawn.join(", ")}`],
  });
}

function namedHealthy(state: EnvironmentState, to: string, gone: ReadonlySet<string>): HealthyRelease {
  const found = state.healthy.filter((entry) => isNamed(entry, to));
  const [first, ...others] = found;
  if (first === undefined) {
    const choice = rollbackCandidates(state, gone).map((entry) => entry.release);
    throw new ShiplockError({
      code: "rollback/unknown",
      blame: "usage",
      message: `no release named "${printable(to)}" was ever healthy in ${state.environment}`,
      remedy: `${choice.length === 0 ? "there is none to go back to: deploy a commit that works" : `choose one of: ${choice.join(", ")}`}; a tag of another environment does not count here`,
    });
  }
  if (others.length > 0 && !found.some((entry) => entry.release === to)) {
    throw new ShiplockError({
      code: "rollback/ambiguous",
      blame: "usage",
      message: `"${printable(to)}" names ${found.length} releases of ${state.environment}: ${found.map((entry) => entry.release).join(", ")}`,
      remedy: "give the release's whole id",
    });
  }
  const chosen = found.find((entry) => entry.release === to) ?? first;
  if (chosen.release === state.live?.release) {
    throw new ShiplockError({
      code: "rollback/live",
      blame: "gate",
      message: `${chosen.release} is what ${state.environment} runs already`,
      remedy: "name another release, or run `shiplock drift` if you doubt that it runs",
    });
  }
  if (gone.has(chosen.release)) {
    throw new ShiplockError({
      code: "rollback/images-gone",
      blame: "gate",
      message: `the images of ${chosen.release} are neither in the registry nor on the hosts`,
      remedy: "build that commit again with `shiplock deploy --ref`, or choose another release",
    });
  }
  return chosen;
}

/** Whether `to` names this release: its id, its commit, the beginning of either, or a tag. */
export function isNamed(entry: HealthyRelease, to: string): boolean {
  if (entry.release === to || entry.commit === to || Object.values(entry.tags).includes(to)) return true;
  return to.length >= 4 && (entry.release.startsWith(to) || (/^[0-9a-f]{7,}$/.test(to) && entry.commit.startsWith(to)));
}

function printable(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
