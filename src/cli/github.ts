import type { Config } from "../config/types.ts";
import { systemClock } from "../clock.ts";
import { createGitHubClient } from "../github/api/client.ts";
import { apiOfServer, repositoryOfRemote } from "../github/api/repository.ts";
import type { GitHubClient, GitHubRepository } from "../github/api/types.ts";
import type { CommandContext } from "./context.ts";
import { attemptSecrets, ownerOf } from "./secrets.ts";

/** GitHub as this command may ask it, or why it may not: a sentence, and what to do. */
export type GitHubAccess =
  | { readonly kind: "client"; readonly client: GitHubClient }
  | { readonly kind: "none"; readonly why: string; readonly remedy: string };

const publicApi = "https://api.github.com";

/** GitHub's API for this project; null where its repository or a token is not known here. `githubAccess` says why. */
export async function githubOf(context: CommandContext, config: Config): Promise<GitHubClient | null> {
  const access = await githubAccess(context, config);
  return access.kind === "client" ? access.client : null;
}

/**
 * GitHub's API for this project. The repository is the configured one, or that of the workflow's run, or that of the remote `origin`; the token is the configured secret, or
 * `GITHUB_TOKEN`, or `GH_TOKEN`. Nothing is asked of GitHub yet. The token is masked in everything that is said from now on.
 */
export async function githubAccess(context: CommandContext, config: Config): Promise<GitHubAccess> {
  const api = config.github.api ?? context.env["GITHUB_API_URL"]?.replace(/\/+$/, "") ?? publicApi;
  const repository = await repositoryOf(context, config, api);
  if (repository === null)
    return {
      kind: "none",
      why: "it is not known which repository on GitHub this project is",
      remedy: 'name it in shiplock.yml: `github: { repository: "acme/shop" }`',
    };
  const token = await tokenOf(context, config);
  if (token === null) {
    const wanted = config.github.token ?? "GITHUB_TOKEN";
    return {
      kind: "none",
      why: `there is no token for ${repository.owner}/${repository.name}: ${wanted} has no value here`,
      remedy: `set ${wanted}; in a workflow, to \`\${{ github.token }}\``,
    };
  }
  const client = createGitHubClient({
    ...{ repository, api, clock: systemClock, random: Math.random },
    token: async () => token,
  });
  return { kind: "client", client };
}

async function repositoryOf(
  { env }: CommandContext,
  { github, folder }: Config,
  api: string,
): Promise<GitHubRepository | null> {
  if (github.repository !== undefined) return github.repository;
  const [owner = "", name = "", ...more] = (env["GITHUB_REPOSITORY"] ?? "").split("/");
  if (owner !== "" && name !== "" && more.length === 0) return { owner, name };
  const { originOf } = await import("../release/source.ts");
  const remote = await originOf(folder).catch(() => null);
  if (remote === null) return null;
  const found = repositoryOfRemote(remote);
  // A token goes to no other host than the one that was configured, whatever a clone says of itself.
  return found !== null && apiOfServer(found.host) === api ? found.repository : null;
}

async function tokenOf(context: CommandContext, config: Config): Promise<string | null> {
  const { token: name } = config.github;
  const found =
    name === undefined
      ? context.env["GITHUB_TOKEN"]?.trim() || context.env["GH_TOKEN"]?.trim() || ""
      : (
          (await attemptSecrets(context, ownerOf(config, null), [name], "GitHub is not asked")).get(name)?.value ?? ""
        ).trim();
  if (found === "") return null;
  context.output.hide([found]);
  return found;
}
