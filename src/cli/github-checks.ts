import type { Config, Environment } from "../config/types.ts";
import { nearest } from "../config/nearest.ts";
import { ShiplockError } from "../errors.ts";
import type { Readable } from "../github/api/abilities.ts";
import type { GitHubClient } from "../github/api/types.ts";
import type { CommandContext } from "./context.ts";

/** `look` says what was found, or throws what is wrong. */
type GitHubCheck = { name: string; look: () => Promise<string> };

/** A permission, and what wants it. */
type Wanted = { readonly permission: string; readonly by: string };

const timeoutMs = 15_000;

/**
 * A look at GitHub, for whoever wants to know whether the gates and those who are told can work with it. None where nothing depends on it. What is written there later cannot be tried without writing it,
 * so its permissions are only named.
 */
export function githubChecks(
  context: CommandContext,
  config: Config,
  environments: readonly Environment[],
): GitHubCheck[] {
  const reads = readsOf(environments);
  const writes = writesOf(config);
  if (reads.length === 0 && writes.length === 0) return [];
  const workflows = [...new Set(environments.flatMap(({ gates }) => gates.on.checks))];
  return [
    { name: "GitHub", look: async () => answers(context, await demandClient(context, config), reads, writes) },
    ...(workflows.length === 0
      ? []
      : [
          {
            name: "GitHub workflows",
            look: async () => workflowsAreThere(context, await demandClient(context, config), workflows),
          },
        ]),
  ];
}

function readsOf(environments: readonly Environment[]): (Wanted & { permission: Readable })[] {
  return environments.flatMap(({ name, gates }) => {
    const wanted = (by: string, ...permissions: Readable[]) =>
      permissions.map((permission) => ({ permission, by: `${by} of ${name}` }));
    return [
      ...(gates.statuses.length > 0 ? wanted("statuses", "statuses", "checks") : []),
      ...(gates.reviewed === undefined ? [] : wanted("reviewed", "contents", "pull-requests")),
      ...(gates.on.checks.length > 0 ? wanted("on.checks", "actions") : []),
    ];
  });
}

function writesOf(config: Config): Wanted[] {
  return config.notify.flatMap(({ name, to }): Wanted[] => {
    if (to.kind === "commit-status") return [{ permission: "statuses", by: `notify ${name}` }];
    return to.kind === "pull-request" ? [{ permission: "pull-requests", by: `notify ${name}` }] : [];
  });
}

async function demandClient(context: CommandContext, config: Config): Promise<GitHubClient> {
  const { githubAccess } = await import("./github.ts");
  const access = await githubAccess(context, config);
  if (access.kind === "client") return access.client;
  const { why: message, remedy } = access;
  throw new ShiplockError({ code: "doctor/github", blame: "usage", message, remedy });
}

async function answers(
  { signal }: CommandContext,
  client: GitHubClient,
  reads: readonly (Wanted & { permission: Readable })[],
  writes: readonly Wanted[],
): Promise<string> {
  const { notReadable } = await import("../github/api/abilities.ts");
  const permissions = [...new Set(reads.map(({ permission }) => permission))];
  const lacking = await notReadable(client, permissions, { signal, timeoutMs });
  if (lacking.length === 0) {
    const { owner, name } = client.repository;
    const untried = writes.map(({ permission, by }) => `${permission}: write for ${by}`);
    return [
      `${owner}/${name} answers`,
      ...(permissions.length === 0 ? [] : [`the token may read ${permissions.toSorted().join(", ")}`]),
      ...(untried.length === 0 ? [] : [`not tried, because it would write: ${untried.join(", ")}`]),
    ].join("; ");
  }
  const texts = reads
    .filter(({ permission }) => lacking.includes(permission))
    .map(({ permission, by }) => `${permission}: read, for ${by}`);
  throw new ShiplockError({
    code: "doctor/github",
    message: `the token lacks ${texts.join("; ")}`,
    remedy: `in a workflow write them under \`permissions\` of the job; a token of a person or an app gets them where it was made`,
  });
}

async function workflowsAreThere(
  { signal }: CommandContext,
  client: GitHubClient,
  wanted: readonly string[],
): Promise<string> {
  const { workflowNames } = await import("../github/api/abilities.ts");
  const known = await workflowNames(client, { signal, timeoutMs });
  const [stranger] = wanted.filter((name) => !known.includes(name));
  if (stranger === undefined) return `${wanted.join(", ")} ${wanted.length === 1 ? "is" : "are"} there`;
  const suggestion = nearest(stranger, known);
  throw new ShiplockError({
    code: "doctor/github",
    message: `${client.repository.owner}/${client.repository.name} has no workflow ${JSON.stringify(stranger)}, which \`on.checks\` waits for${suggestion === undefined ? "" : ` (did you mean ${JSON.stringify(suggestion)}?)`}`,
    remedy: "write the name as the workflow's own `name` has it",
  });
}
