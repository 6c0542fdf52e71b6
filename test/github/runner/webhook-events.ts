import type { JsonObject } from "../../../src/json.ts";
import { type GitHubEvent, textAt } from "./events.ts";

/** What of the repository decides about an event's commit. */
export type Resolve = (ref: string) => Promise<string | null>;

/**
 * The event that workflows see when GitHub sends this webhook; null for one that starts none: of a branch that is gone, and of a pull request that cannot be merged.
 * The rules are those of "Events that trigger workflows" in GitHub's documentation.
 */
export async function eventOf(
  name: string,
  payload: JsonObject,
  { resolve, defaultBranch }: { resolve: Resolve; defaultBranch: string },
): Promise<GitHubEvent | null> {
  const actor = textAt(payload, ["sender", "login"]);
  const at = async (ref: string): Promise<GitHubEvent | null> => {
    const sha = await resolve(ref);
    return sha === null ? null : { name, payload, ref, sha, actor };
  };
  switch (name) {
    case "push":
      if (payload["deleted"] === true) return null;
      // The branch may have moved on since.
      return {
        name,
        payload,
        ref: textAt(payload, ["ref"]),
        sha: (await resolve(textAt(payload, ["after"]))) ?? "",
        actor,
      };
    case "pull_request":
      return await at(`refs/pull/${String(payload["number"])}/merge`);
    case "release":
      return await at(`refs/tags/${textAt(payload, ["release", "tag_name"])}`);
    default:
      return await at(`refs/heads/${defaultBranch}`);
  }
}
