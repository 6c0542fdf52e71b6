import { ShiplockError } from "../errors.ts";
import type { EnvironmentState, HealthyRelease } from "./record/types.ts";

/**
 * The release of a commit that ran in an environment, the newest where there are several.
 * @param commit full hash
 * @returns whether a rollback has left it since, too
 * @throws ShiplockError `tag/not-deployed`, with what is known of the commit there
 */
export function chooseVersioned(
  state: EnvironmentState | null,
  environment: string,
  commit: string,
): { entry: HealthyRelease; withdrawn: boolean } {
  const entry = state?.healthy.find((candidate) => candidate.commit === commit);
  if (state !== null && entry !== undefined)
    return { entry, withdrawn: state.withdrawn.some(({ release }) => release === entry.release) };
  const tries = (state?.deployments ?? []).filter((deployment) => deployment.commit === commit);
  const [last] = tries;
  const live = state?.live ?? null;
  throw new ShiplockError({
    code: "tag/not-deployed",
    blame: "gate",
    message:
      last === undefined
        ? `commit ${commit.slice(0, 7)} never ran in ${environment}, so no image of it can be named`
        : `commit ${commit.slice(0, 7)} was never healthy in ${environment}: ${tries.length === 1 ? "its only deployment" : `the last of ${tries.length} deployments`} ended as ${last.state}${last.outcome === null ? "" : ` (${last.outcome})`}`,
    remedy: `deploy it to ${environment} first, or name another commit with --ref${live === null ? "" : ` (live is ${live.commit.slice(0, 7)})`}`,
  });
}
