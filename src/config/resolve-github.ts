import type { ConfigInput } from "./schema.ts";
import type { GitHubSettings } from "./types-github.ts";

/** Fills in what was not written about GitHub. */
export function resolveGitHub(input: ConfigInput["github"]): GitHubSettings {
  const { repository, api, token, action, version, runner = "ubuntu-24.04", ledger = true } = input ?? {};
  const [owner, name] = repository?.split("/") ?? [];
  return {
    repository: owner === undefined || name === undefined ? undefined : { owner, name },
    api,
    token,
    action: action === undefined ? undefined : { uses: action, version },
    runner: typeof runner === "string" ? [runner] : runner,
    ledger,
  };
}
