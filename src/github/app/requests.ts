import { comesByItself, matchesAny, ownBranch, refText } from "../../environments/gates/refs.ts";
import type { GitHubRepository } from "../api/types.ts";
import { type EventBody, eventBodies, whereFrom } from "./event-bodies.ts";
import type { AskedByEvent, EventRequest, EventRules, GitRef, PullHead } from "./types.ts";

type Found = readonly EventRequest[] | string;

/**
 * What an event on GitHub asks of a project: the same as its generated workflows would do.
 * @param name of the event, as the header `x-github-event` or a workflow's `github.event_name` has it
 * @param body of the webhook, or a workflow's `github.event`; what it lacks of what is needed is answered with `nothing`
 */
export function requestsOf(rules: EventRules, name: string, body: unknown): AskedByEvent {
  const { repository, installation, sender } = whereFrom(body);
  const found = foundIn(rules, name, body, repository);
  const requests = typeof found === "string" ? [] : found;
  return { requests, nothing: typeof found === "string" ? found : null, repository, installation, sender };
}

function foundIn(rules: EventRules, name: string, body: unknown, repository: GitHubRepository | null): Found {
  switch (name) {
    case "push":
      return ofBody(eventBodies.push, body, (push) => afterPush(rules, push));
    case "workflow_run":
      return ofBody(eventBodies.workflowRun, body, (run) => afterRun(rules, run, repository));
    case "pull_request":
      return ofBody(eventBodies.pullRequest, body, (pull) => afterPull(pull));
    case "release":
      return ofBody(eventBodies.release, body, afterRelease);
    case "delete":
      return ofBody(eventBodies.gone, body, afterDelete);
    case "schedule":
      return ofBody(eventBodies.schedule, body, ({ schedule }) => atTime(rules, schedule));
    default:
      return `${name} asks for nothing`;
  }
}

function ofBody<T>(schema: EventBody<T>, body: unknown, then: (read: T) => Found): Found {
  const read = schema.safeParse(body);
  return read.success ? then(read.data) : `the event's body lacks ${read.error.issues[0]?.path.join(".") ?? "all"}`;
}

/** A commit came to a branch, or a tag was made. What waits for the team's own CI comes when that has passed. */
function afterPush(rules: EventRules, push: Parsed<"push">): Found {
  const ref = refOf(push.ref);
  if (ref === null) return `${push.ref} is neither a branch nor a tag`;
  if (push.deleted || /^0+$/.test(push.after)) return `${refText(ref)} was deleted`;
  // A tag with a message is an object of its own, which `after` names; what is deployed is the commit it is on.
  const commit = ref.kind === "tag" ? (push.head_commit?.id ?? null) : push.after;
  if (commit === null) return `${refText(ref)} is on no commit`;
  const wanted = environmentsWith(rules, ({ on }) => comesByItself({ on }, ref));
  const now = wanted.filter(({ on }) => ref.kind === "tag" || on.checks.length === 0);
  if (now.length > 0) return now.map(({ environment }) => deploy(environment, "push", ref, commit));
  return wanted.length > 0
    ? `${refText(ref)} comes when ${wanted.flatMap(({ on }) => on.checks).join(", ")} has passed`
    : `${refText(ref)} comes nowhere by itself`;
}

/** The team's own CI has ended. It counts for the commit that it ran for, where that was pushed to this repository. */
function afterRun(
  rules: EventRules,
  { action, workflow_run: run }: Parsed<"workflowRun">,
  here: GitHubRepository | null,
): Found {
  if (action !== "completed") return `a run of ${run.name} is ${action}, and has not ended`;
  const named = environmentsWith(rules, ({ on }) => on.checks.includes(run.name));
  if (named.length === 0) return `nothing waits for ${run.name}`;
  if (run.conclusion !== "success") return `${run.name} has not passed: ${run.conclusion ?? "it has no conclusion"}`;
  if (run.event !== "push") return `${run.name} ran for ${run.event}, not for a push`;
  if (here === null || run.head_repository?.full_name !== `${here.owner}/${here.name}`)
    return `${run.name} ran for another repository`;
  if (run.head_branch === null) return `${run.name} ran for no branch`;
  const ref: GitRef = { kind: "branch", name: run.head_branch };
  const wanted = named.filter(({ on }) => matchesAny(on.push, ref.name));
  return wanted.length === 0
    ? `${refText(ref)} comes nowhere by itself`
    : wanted.map(({ environment }) => deploy(environment, "checks", ref, run.head_sha));
}

/** Whatever branch it shall be merged into: the same pull request has the same checks and the same preview. */
function afterPull({ action, number, pull_request: pull }: Parsed<"pullRequest">): Found {
  switch (action) {
    case "opened":
    case "reopened":
    case "synchronize": {
      const { ref, sha, repo } = pull.head;
      const fork = repo === null || repo.full_name !== pull.base.repo.full_name;
      const head: PullHead = { number, branch: ref, commit: sha, fork };
      return [
        { kind: "checks", pull: head },
        { kind: "preview-up", pull: head },
      ];
    }
    case "closed":
      return [{ kind: "preview-down", pull: number }];
    default:
      return `a pull request that is ${action} asks for nothing`;
  }
}

function afterRelease({ action, release }: Parsed<"release">): Found {
  if (action !== "published") return `a Release that is ${action} asks for nothing`;
  return [{ kind: "tag", version: release.tag_name, prerelease: release.prerelease }];
}

function afterDelete({ ref, ref_type: kind }: Parsed<"gone">): Found {
  return kind === "branch" ? [{ kind: "branch-gone", branch: ref }] : `a ${kind} that is deleted asks for nothing`;
}

/** It is time: the environment's own branch comes, whatever it holds then. */
function atTime(rules: EventRules, time: string): Found {
  const due = environmentsWith(rules, ({ on }) => on.schedule.includes(time));
  const requests = due.flatMap(({ environment, gates }) => {
    const own = ownBranch(gates);
    return own === null ? [] : [deploy(environment, "schedule", { kind: "branch", name: own }, null)];
  });
  return requests.length === 0 ? `nothing is due at ${time}` : requests;
}

function deploy(
  environment: string,
  by: "push" | "checks" | "schedule",
  ref: GitRef,
  commit: string | null,
): EventRequest {
  return { kind: "deploy", environment, by, ref, commit };
}

type Gates = EventRules["environments"][string]["gates"];

function environmentsWith(
  { environments }: EventRules,
  fits: (gates: Gates) => boolean,
): readonly { environment: string; gates: Gates; on: Gates["on"] }[] {
  return Object.entries(environments).flatMap(([environment, { gates }]) =>
    fits(gates) ? [{ environment, gates, on: gates.on }] : [],
  );
}

function refOf(full: string): GitRef | null {
  const found = /^refs\/(heads|tags)\/(.+)$/s.exec(full);
  const name = found?.[2];
  return name === undefined ? null : { kind: found?.[1] === "heads" ? "branch" : "tag", name };
}

type Parsed<K extends keyof typeof eventBodies> = (typeof eventBodies)[K] extends EventBody<infer T> ? T : never;
