import type { Permissions } from "./workflow-file.ts";

/** What a token may do: scopes of GitHub's (`contents`, `deployments`, …), each to read or to write. */
export type TokenPermissions = Readonly<Record<string, "read" | "write">>;

/** Scopes that `read-all` and `write-all` stand for, as far as Shiplock could meet them. */
const scopes = ["actions", "checks", "contents", "deployments", "issues", "packages", "pull-requests", "statuses"];

/** What a repository's workflows get that say nothing: GitHub's restricted setting. */
const restricted: TokenPermissions = { contents: "read", packages: "read" };

/** What the token of a job may do: the job's own words, or else the workflow's. Runs of a fork's pull request can write nothing. */
export function tokenPermissions(
  workflow: Permissions | undefined,
  job: Permissions | undefined,
  { fork }: { fork: boolean },
): TokenPermissions {
  const given = job ?? workflow ?? restricted;
  const each =
    typeof given === "string"
      ? scopes.map((scope) => [scope, given === "read-all" ? "read" : "write"] as const)
      : Object.entries(given);
  const granted = each.flatMap(([scope, right]): [string, "read" | "write"][] =>
    right === "none" ? [] : [[scope, fork ? "read" : right]],
  );
  // What identifies the run to a cloud has no reading form.
  return Object.fromEntries(granted.filter(([scope]) => !(fork && scope === "id-token")));
}
