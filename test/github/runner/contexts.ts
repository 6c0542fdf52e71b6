import type { JsonObject } from "../../../src/json.ts";
import { textAt } from "./events.ts";
import type { RunIdentity, RunnerOptions } from "./types.ts";

/** GitHub's own address, in links; nothing is asked there. */
const server = "https://github.com";

/** The `github` context of a run, without what only a job has. */
export function gitHubContext(
  run: RunIdentity,
  { repository, api }: Pick<RunnerOptions, "repository" | "api">,
): JsonObject {
  const { event, workflow } = run;
  const [kind, short] = shortRef(event.ref);
  const full = `${repository.owner}/${repository.name}`;
  return {
    event: event.payload,
    event_name: event.name,
    sha: event.sha,
    ref: event.ref,
    ref_name: short,
    ref_type: kind,
    ref_protected: false,
    head_ref: textAt(event.payload, ["pull_request", "head", "ref"]),
    base_ref: textAt(event.payload, ["pull_request", "base", "ref"]),
    actor: event.actor,
    triggering_actor: run.triggeringActor,
    repository: full,
    repository_owner: repository.owner,
    run_id: String(run.id),
    run_number: String(run.number),
    run_attempt: String(run.attempt),
    workflow: workflow.name,
    workflow_ref: `${full}/${workflow.file}@${event.ref}`,
    workflow_sha: event.sha,
    server_url: server,
    api_url: api,
    graphql_url: `${api}/graphql`,
    retention_days: "90",
  };
}

/** Of the context, what a step finds in its environment. */
export function gitHubVariables(context: JsonObject): Record<string, string> {
  const without = ["event", "token"];
  return Object.fromEntries(
    Object.entries(context)
      .filter(([key]) => !without.includes(key))
      .map(([key, value]) => [`GITHUB_${key.toUpperCase()}`, String(value)]),
  );
}

/** `inputs`: what a person chose for a `workflow_dispatch`, with the defaults of what was left out. */
export function inputsOf({ event, workflow }: Pick<RunIdentity, "event" | "workflow">): JsonObject {
  const declared = workflow.on.workflow_dispatch?.inputs;
  if (event.name !== "workflow_dispatch" || declared === undefined) return {};
  const given = (event.payload["inputs"] ?? {}) as JsonObject;
  const unknown = Object.keys(given).filter((name) => !(name in declared));
  if (unknown.length > 0) throw new Error(`${workflow.file} has no input ${unknown.join(", ")}: GitHub answers 422`);
  return Object.fromEntries(
    Object.entries(declared).map(([name, { type, default: preset, required, options }]) => {
      const value = given[name] ?? preset ?? (String(type) === "boolean" ? false : "");
      if (required === true && value === "") throw new Error(`${workflow.file} demands the input ${name}`);
      if (String(type) === "choice" && value !== "" && !(options ?? []).includes(String(value)))
        throw new Error(`"${String(value)}" is no choice of ${name} in ${workflow.file}`);
      return [name, String(type) === "boolean" ? value === true || value === "true" : String(value)];
    }),
  );
}

function shortRef(ref: string): ["branch" | "tag", string] {
  if (ref.startsWith("refs/tags/")) return ["tag", ref.slice("refs/tags/".length)];
  return ["branch", ref.replace(/^refs\/(?:heads|pull)\//, "")];
}
