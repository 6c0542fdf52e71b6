import { ShiplockError } from "../errors.ts";
import { rollbackCandidates } from "./record/rollback-choice.ts";
import type { DeploymentEntry, EnvironmentState, HealthyRelease } from "./record/types.ts";

/** A release as its commit is named in git. */
export type RevertedRelease = { release: string; commit: string; ref: string | null };

/**
 * What a revert takes back. `range`: the commits of `bad` that `good` does not have. `commit`: that commit alone.
 * `deployment` is the one that brought what is taken back; null where a commit was named.
 */
export type RevertChoice =
  | {
      kind: "range";
      why: "rolled-back" | "live" | "named";
      deployment: string;
      bad: readonly [RevertedRelease, ...RevertedRelease[]];
      good: RevertedRelease;
    }
  | { kind: "commit"; commit: string; live: RevertedRelease };

/**
 * What is to be taken back out of the code. After a rollback what the rollbacks left, as far as the present live release does not have it; otherwise what
 * the live release brought since the one that a rollback would go to.
 * @param named a deployment of this environment, whose release is taken back, whatever became of it; or a commit as it was typed
 * @throws ShiplockError `revert/nothing-live`, `revert/nothing-before`, `revert/unknown-deployment`
 */
export function chooseRevert(
  state: EnvironmentState | null,
  environment: string,
  named: { deployment?: string | null; commit?: string | null } = {},
): RevertChoice {
  const live = state?.live ?? null;
  if (state === null || live === null) {
    throw new ShiplockError({
      code: "revert/nothing-live",
      blame: "usage",
      message: `nothing is live in ${environment}, so there is nothing to take back`,
      remedy: "use `git revert` for a commit that was never deployed",
    });
  }
  if (typeof named.commit === "string") return { kind: "commit", commit: named.commit, live: releaseOf(live) };
  if (typeof named.deployment === "string") return ofDeployment(state, named.deployment);
  return afterRollback(state, live) ?? ofLive(state, live);
}

function ofDeployment(state: EnvironmentState, id: string): RevertChoice {
  const entry = state.deployments.find(({ deployment }) => deployment === id);
  const good = entry?.from === null || entry === undefined ? null : releaseNamed(state, entry.from);
  if (entry !== undefined && good !== null)
    return { kind: "range", why: "named", deployment: id, bad: [releaseOf(entry)], good };
  throw new ShiplockError({
    code: "revert/unknown-deployment",
    blame: "usage",
    message:
      entry === undefined
        ? `${state.environment} remembers no deployment ${JSON.stringify(id)}`
        : `${state.environment} does not know any more what was live before ${id}`,
    remedy: `\`shiplock history ${state.environment}\` has the deployments; or name what is to be reverted with --commit`,
  });
}

/** Null unless what is live was gone back to. Of several rollbacks one after another, all that they left counts. */
function afterRollback(state: EnvironmentState, live: HealthyRelease): RevertChoice | null {
  const ended = state.deployments.filter((entry) => entry.state === "succeeded");
  const end = ended.findIndex(({ kind }) => kind !== "rollback");
  const rollbacks = new Set(ended.slice(0, end < 0 ? ended.length : end).map(({ deployment }) => deployment));
  const [newest, ...older] = state.withdrawn
    .filter((entry) => entry.deployment === live.deployment || rollbacks.has(entry.deployment))
    .map(({ release }) => releaseNamed(state, release))
    .filter((release) => release !== null);
  if (newest === undefined || !state.withdrawn.some((entry) => entry.deployment === live.deployment)) return null;
  return {
    ...{ kind: "range", why: "rolled-back", deployment: live.deployment },
    ...{ bad: [newest, ...older], good: releaseOf(live) },
  };
}

function ofLive(state: EnvironmentState, live: HealthyRelease): RevertChoice {
  const [before] = rollbackCandidates(state);
  if (before !== undefined) {
    return {
      ...{ kind: "range", why: "live", deployment: live.deployment },
      ...{ bad: [releaseOf(live)], good: releaseOf(before) },
    };
  }
  throw new ShiplockError({
    code: "revert/nothing-before",
    blame: "usage",
    message: `no other release was healthy in ${state.environment} before ${live.release}, so nothing says what came with it`,
    remedy: "name what is to be reverted with --commit",
  });
}

/** What the record knows of a release: one that was never healthy is known by its deployments. */
function releaseNamed(state: EnvironmentState, release: string): RevertedRelease | null {
  const known: HealthyRelease | DeploymentEntry | undefined =
    state.healthy.find((entry) => entry.release === release) ??
    state.deployments.find((entry) => entry.release === release);
  return known === undefined ? null : releaseOf(known);
}

function releaseOf({ release, commit, ref }: RevertedRelease): RevertedRelease {
  return { release, commit, ref };
}
