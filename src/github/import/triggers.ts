import { expressionsIn } from "../read/expressions.ts";
import type { JobFacts } from "../read/project.ts";
import type { Trigger, Value } from "../read/types.ts";
import { entryAt, textsOf, valueAt } from "../read/values.ts";
import type { Found, Left } from "./types.ts";

/** When a deployment begins by itself. */
export type When = {
  readonly push: readonly Found<string>[];
  readonly tags: readonly Found<string>[];
  readonly schedule: readonly Found<string>[];
  readonly checks: readonly Found<string>[];
  /** Branches that alone may come here, also by hand. */
  readonly branches: readonly Found<string>[];
  readonly left: readonly Left[];
};

/**
 * What `on` of a workflow and the condition of its job say together.
 * @param covered whether what a workflow of that name does is among the proposal's own checks
 */
export function whenOf(facts: JobFacts, covered: (workflow: string) => boolean): When {
  const { file, workflow, job } = facts;
  const asked = refsIn(job.if?.value ?? "");
  const conditionAt = { file, line: job.if?.place.line ?? job.place.line };
  const all: When[] = workflow.triggers.map((trigger) => whenOfTrigger(file, trigger, covered));
  const together: When = {
    push: all.flatMap(({ push }) => push),
    tags: all.flatMap(({ tags }) => tags),
    schedule: all.flatMap(({ schedule }) => schedule),
    checks: all.flatMap(({ checks }) => checks),
    branches: [],
    left: all.flatMap(({ left }) => left),
  };
  const byPush = workflow.triggers.some(({ event }) => event === "push" || event === "workflow_run");
  if (asked === null) return together;
  const refs = (values: readonly string[]) => values.map((value) => ({ value, from: conditionAt }));
  if (!byPush) return { ...together, branches: refs(asked.branches) };
  return {
    ...together,
    push: refs(asked.branches),
    tags: refs(asked.tags),
    left: together.left.filter(({ what }) => what !== everyBranch),
  };
}

const everyBranch = "on: push, without branches";

function whenOfTrigger(file: string, trigger: Trigger, covered: (workflow: string) => boolean): When {
  const none: When = { push: [], tags: [], schedule: [], checks: [], branches: [], left: [] };
  const { event, options, place } = trigger;
  const from = { file, line: place.line };
  const left = (what: string, why: string, instead: string): When => ({
    ...none,
    left: [{ ...from, what, why, instead }],
  });
  switch (event) {
    case "push": {
      const branches = listed(file, options, "branches");
      const tags = listed(file, options, "tags");
      const ignored = ["branches-ignore", "tags-ignore", "paths", "paths-ignore"].flatMap((key): Left[] => {
        const entry = entryAt(options, key);
        if (entry === null) return [];
        return [
          {
            file,
            line: entry.place.line,
            what: `on: push: ${key}`,
            ...(key.startsWith("paths")
              ? {
                  why: "a release is one commit with all of its images; those whose sources are the same are not built again",
                  instead: "nothing, as a rule; `files` of a check keeps it from running for other files",
                }
              : {
                  why: "what may come to an environment is named, not excluded",
                  instead: "name the branches under `on.push`",
                }),
          },
        ];
      });
      if (branches.length > 0 || tags.length > 0) return { ...none, push: branches, tags, left: ignored };
      return ignored.length > 0 && !ignored.every(({ what }) => what.includes("paths"))
        ? { ...none, left: ignored }
        : {
            ...none,
            left: [
              ...ignored,
              {
                ...from,
                what: everyBranch,
                why: "a push to any branch would deploy",
                instead: "name the branches that come here under `on.push`",
              },
            ],
          };
    }
    case "schedule": {
      const items = options.kind === "list" ? options.items : [];
      return { ...none, schedule: items.flatMap((item) => listed(file, item, "cron")) };
    }
    case "workflow_run": {
      const names = listed(file, options, "workflows").filter(({ value }) => !covered(value));
      return { ...none, checks: names, push: listed(file, options, "branches") };
    }
    case "release":
      return left(
        "on: release",
        "an environment takes tags, and a published release has one",
        "if releases are to deploy, name their tags under `on.tags`, such as `v*`",
      );
    case "pull_request":
    case "pull_request_target":
      return left(
        `on: ${event}`,
        "what is not merged is not deployed",
        "checks run for every pull request; for a place of its own, keep this workflow",
      );
    case "repository_dispatch":
      return left(
        "on: repository_dispatch",
        "another system begins it",
        "let that system start the generated workflow shiplock-manual.yml",
      );
    default:
      // By hand and by a caller: the generated workflow for every action by hand does both.
      return none;
  }
}

function listed(file: string, options: Value, key: string): readonly Found<string>[] {
  const value = valueAt(options, key);
  if (value === null) return [];
  const line = value.place.line;
  if (value.kind === "list")
    return value.items.flatMap((item) =>
      textsOf(item).map((text) => ({ value: text, from: { file, line: item.place.line } })),
    );
  return textsOf(value).map((text) => ({ value: text, from: { file, line } }));
}

/** The branches and tags that a condition lets through; null where it speaks of none. */
export function refsIn(
  condition: string,
): { readonly branches: readonly string[]; readonly tags: readonly string[] } | null {
  const body = expressionsIn(condition)[0]?.body ?? condition;
  const branches: string[] = [];
  const tags: string[] = [];
  for (const [, field, ref] of body.matchAll(
    /github\.(ref|ref_name|base_ref|event\.workflow_run\.head_branch)\s*==\s*'([^']+)'/g,
  )) {
    if (ref === undefined) continue;
    if (ref.startsWith("refs/tags/")) tags.push(ref.slice(10));
    else if (ref.startsWith("refs/heads/")) branches.push(ref.slice(11));
    else if (field !== "ref") branches.push(ref);
  }
  for (const [, prefix] of body.matchAll(/startsWith\(\s*github\.ref\s*,\s*'refs\/(?:tags\/([^']*))'\s*\)/g))
    tags.push(`${prefix ?? ""}*`);
  for (const [, prefix] of body.matchAll(/startsWith\(\s*github\.ref\s*,\s*'refs\/(?:heads\/([^']*))'\s*\)/g))
    branches.push(`${prefix ?? ""}*`);
  if (/github\.ref_type\s*==\s*'tag'/.test(body) && tags.length === 0) tags.push("*");
  return branches.length + tags.length === 0 ? null : { branches: [...new Set(branches)], tags: [...new Set(tags)] };
}
