import * as z from "zod";
import * as part from "./schema-parts.ts";

const repositoryName = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})\/[A-Za-z0-9._-]{1,100}$/;
const pinned = /^(?:[A-Za-z0-9][A-Za-z0-9-]{0,38}\/[A-Za-z0-9._/-]{1,150}@[0-9a-f]{40}|\.\/[A-Za-z0-9._/-]{0,150})$/;

/** How the project is at home on GitHub. */
export function github() {
  return z.strictObject({
    repository: z
      .string()
      .regex(repositoryName, 'must be such as "acme/shop"')
      .optional()
      .describe('Repository on GitHub: "acme/shop". Default: that of the workflow, or else of the remote `origin`.'),
    api: z
      .string()
      .max(2_000)
      .regex(
        /^https:\/\/[^\s/?#@]+(?:\/[^\s?#]*[^\s?#/])?$|^http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?(?:\/[^\s?#]*[^\s?#/])?$/,
        'must be an address that starts with "https://", without user, password or last slash',
      )
      .optional()
      .describe("Address of the REST API, for a GitHub of your own. Default: `https://api.github.com`."),
    token: part
      .variableName("secret")
      .optional()
      .describe("Name of the secret with the token. Default: `GITHUB_TOKEN`, then `GH_TOKEN`."),
    action: z
      .string()
      .regex(
        pinned,
        'must be pinned by its full commit, "owner/repository@<40 digits>", or lie in this repository, "./…"',
      )
      .optional()
      .describe(
        "What generated workflows use: an action by its full commit, or one in this repository. Default: the Action of this Shiplock.",
      ),
    version: z
      .string()
      .regex(/^[A-Za-z0-9][\w.+-]{0,99}$/, 'must be one word, such as "v0.1.0"')
      .optional()
      .describe("Version of `action`, for the comment beside its commit."),
    runner: z
      .union([part.filledText(), z.array(part.filledText()).min(1)])
      .optional()
      .describe('Label of the runner of generated jobs, or a list: `[self-hosted, linux]`. Default: "ubuntu-24.04".'),
    ledger: z
      .boolean()
      .optional()
      .describe("Whether history is written to GitHub's deployments where a workflow runs. Default: true."),
  });
}
