import * as z from "zod";
import { ShiplockError } from "../../errors.ts";
import { readItems } from "./read-answer.ts";
import type { CallOptions, GitHubCall, GitHubClient } from "./types.ts";

/** What a token may be allowed to read, in the words of a workflow's `permissions`. */
export const readable = ["actions", "checks", "contents", "pull-requests", "statuses"] as const;

export type Readable = (typeof readable)[number];

/** A question that needs nothing but this permission, and costs little. */
const questions: Readonly<Record<Readable, GitHubCall>> = {
  actions: { route: "GET /repos/{owner}/{repo}/actions/runs", parameters: { per_page: 1 } },
  checks: { route: "GET /repos/{owner}/{repo}/commits/{ref}/check-runs", parameters: { ref: "HEAD", per_page: 1 } },
  contents: { route: "GET /repos/{owner}/{repo}/commits/{ref}", parameters: { ref: "HEAD" } },
  "pull-requests": { route: "GET /repos/{owner}/{repo}/pulls", parameters: { per_page: 1 } },
  statuses: { route: "GET /repos/{owner}/{repo}/commits/{ref}/status", parameters: { ref: "HEAD", per_page: 1 } },
};

/**
 * Which of these a token may not read, found out by reading.
 * @throws ShiplockError those of the client, where it is no matter of permissions
 */
export async function notReadable(
  client: GitHubClient,
  wanted: readonly Readable[],
  options: CallOptions,
): Promise<Readable[]> {
  // Whoever may not even see the repository is told that, and not that everything is lacking.
  await client.call({ route: "GET /repos/{owner}/{repo}" }, options);
  const refused = await Promise.all(
    wanted.map(async (name) => {
      try {
        // An empty repository has no HEAD, and is no matter of permissions either.
        await client.call(questions[name], { ...options, expect: [409, 422] });
        return [];
      } catch (error) {
        if (!(error instanceof ShiplockError) || !["github/forbidden", "github/not-found"].includes(error.code))
          throw error;
        return [name];
      }
    }),
  );
  return refused.flat();
}

/** Names of the repository's workflows. */
export async function workflowNames(client: GitHubClient, options: CallOptions): Promise<string[]> {
  const call = { route: "GET /repos/{owner}/{repo}/actions/workflows" };
  const found = await readItems(client, call, options, z.object({ name: z.string() }), { under: "workflows" });
  return found.map(({ name }) => name);
}
