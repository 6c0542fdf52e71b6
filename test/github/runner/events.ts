import type { JsonObject } from "../../../src/json.ts";
import type { Workflow } from "./workflow-file.ts";

/** Something that happened in a repository. */
export type GitHubEvent = {
  /** Such as `push`. */
  readonly name: string;
  /** The webhook's body. */
  readonly payload: JsonObject;
  /** `refs/heads/main`, `refs/tags/v1`, `refs/pull/1/merge`. */
  readonly ref: string;
  /** The commit that `github.sha` is. */
  readonly sha: string;
  readonly actor: string;
};

/** Types of an event that start a workflow where it names none. */
const defaultTypes: Readonly<Record<string, readonly string[]>> = {
  pull_request: ["opened", "synchronize", "reopened"],
  pull_request_target: ["opened", "synchronize", "reopened"],
};

type Filter = Partial<
  Record<
    "branches" | "branches-ignore" | "tags" | "tags-ignore" | "types" | "workflows" | "paths" | "paths-ignore",
    string[]
  >
>;

/**
 * Whether an event starts a workflow, by its `on`.
 * @throws Error for filters that this runner does not know (`paths`)
 */
export function wants(workflow: Pick<Workflow, "on" | "file">, event: GitHubEvent): boolean {
  if (!(event.name in workflow.on)) return false;
  if (event.name === "schedule") {
    const schedule = workflow.on.schedule ?? [];
    return schedule.some(({ cron }) => cron === event.payload["schedule"]);
  }
  const filter = (workflow.on[event.name] ?? {}) as Filter;
  if (filter.paths !== undefined || filter["paths-ignore"] !== undefined)
    throw new Error(`${workflow.file}: the runner for tests does not know filters of paths`);
  const types = filter.types ?? defaultTypes[event.name];
  if (types !== undefined && !types.includes(String(event.payload["action"]))) return false;
  switch (event.name) {
    case "push":
      return wantsPush(filter, event.ref);
    case "pull_request":
    case "pull_request_target":
      return wantsBranch(filter, textAt(event.payload, ["pull_request", "base", "ref"]));
    case "workflow_run": {
      const named = filter.workflows ?? [];
      if (!named.includes(textAt(event.payload, ["workflow_run", "name"]))) return false;
      return wantsBranch(filter, textAt(event.payload, ["workflow_run", "head_branch"]));
    }
    default:
      return true;
  }
}

/** A push of a branch is asked about branches only, and one of a tag about tags only: a workflow that names the other kind alone does not want it. */
function wantsPush(filter: Filter, ref: string): boolean {
  const branches = filter.branches ?? filter["branches-ignore"];
  const tags = filter.tags ?? filter["tags-ignore"];
  if (ref.startsWith("refs/tags/")) {
    const name = ref.slice("refs/tags/".length);
    if (tags === undefined) return branches === undefined;
    return matches(filter.tags, name, true) && !matches(filter["tags-ignore"], name, false);
  }
  if (branches === undefined) return tags === undefined;
  return wantsBranch(filter, ref.slice("refs/heads/".length));
}

function wantsBranch(filter: Filter, name: string): boolean {
  return matches(filter.branches, name, true) && !matches(filter["branches-ignore"], name, false);
}

/** The last pattern that fits decides; one that starts with `!` takes names out again. */
function matches(patterns: readonly string[] | undefined, name: string, without: boolean): boolean {
  if (patterns === undefined) return without;
  return patterns.reduce((so, pattern) => {
    const taken = pattern.startsWith("!");
    return filterPattern(taken ? pattern.slice(1) : pattern).test(name) ? !taken : so;
  }, false);
}

/** After GitHub's "filter pattern cheat sheet": `*` stops at `/`, `**` does not; `?` and `+` repeat what stands before them; `[]` lists; `\` takes the meaning away. */
export function filterPattern(pattern: string): RegExp {
  const parts = pattern.match(/\\.|\*\*\/|\*\*|\*|\[[^\]]*\]|[?+]|./gs) ?? [];
  const source = parts.map((part) => {
    if (part === "**/") return "(?:.*/)?";
    if (part === "**") return ".*";
    if (part === "*") return "[^/]*";
    if (part === "?" || part === "+" || part.startsWith("[")) return part;
    return part.replace(/^\\/, "").replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${source.join("")}$`);
}

/** A text somewhere in a payload; empty if there is none. */
export function textAt(payload: JsonObject, path: readonly string[]): string {
  let at: unknown = payload;
  for (const key of path) at = typeof at === "object" && at !== null ? (at as Record<string, unknown>)[key] : undefined;
  return typeof at === "string" ? at : "";
}

/** Whether the event comes from a fork: its runs get no secrets, and a token that only reads. */
export function isFromFork(event: GitHubEvent): boolean {
  if (!["pull_request", "pull_request_review"].includes(event.name)) return false;
  const head = textAt(event.payload, ["pull_request", "head", "repo", "full_name"]);
  return head !== textAt(event.payload, ["repository", "full_name"]);
}
