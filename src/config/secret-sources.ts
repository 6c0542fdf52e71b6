import type { Config } from "./types.ts";

/**
 * A commit's configuration that looks for secrets where the working tree's does: which secrets there are is said by the commit, and their values are today's, as in a
 * rollback. An environment that the working tree does not have keeps its own.
 */
export function withSecretSourcesOf(committed: Config, current: Config): Config {
  const environments = Object.entries(committed.environments).map(([name, environment]) => {
    const { sources, maxAgeMs } = current.environments[name]?.secrets ?? environment.secrets;
    return [name, { ...environment, secrets: { ...environment.secrets, sources, maxAgeMs } }] as const;
  });
  return Object.freeze({ ...committed, secrets: current.secrets, environments: Object.fromEntries(environments) });
}
