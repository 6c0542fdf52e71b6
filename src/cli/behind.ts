import type { EnvironmentState } from "../environments/record/types.ts";

/**
 * The hosts that a deployment skipped, a sentence each: what runs there is not what is recorded as live.
 * @param unreached hosts that were looked for now, in vain
 */
export function behindSentences(
  state: EnvironmentState | null,
  unreached: readonly string[],
): { host: string; sentence: string }[] {
  const behind = state?.behind ?? [];
  const inProgress = unreached.filter((host) => !behind.some((entry) => entry.host === host));
  return [
    ...behind.map(({ host, since, release }) => ({
      host,
      sentence: `is behind: skipped since ${since}, left with ${release ?? "nothing"}${unreached.includes(host) ? ", and cannot be reached" : ""}; keep traffic away from it, and deploy without --skip-host once it is back`,
    })),
    ...inProgress.map((host) => ({
      host,
      sentence: "is skipped by the deployment in progress, and cannot be reached",
    })),
  ];
}
