import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { stringify } from "yaml";
import { parseConfig } from "../../../src/config/load.ts";
import type { ConfigInput } from "../../../src/config/schema.ts";
import type { Config } from "../../../src/config/types.ts";
import { comesByItself } from "../../../src/environments/gates/refs.ts";
import { ShiplockError } from "../../../src/errors.ts";
import { requestsOf } from "../../../src/github/app/requests.ts";
import type { EventRequest } from "../../../src/github/app/types.ts";
import { workflowsOf } from "../../../src/github/workflows/generate.ts";
import type { JsonObject } from "../../../src/json.ts";
import { createEvaluation, type Evaluation } from "../official/expressions.ts";
import { gitHubContext } from "../runner/contexts.ts";
import { type GitHubEvent, wants } from "../runner/events.ts";
import { type Job, readWorkflow, type Step, type Workflow } from "../runner/workflow-file.ts";
import { action, anyInput, kinds } from "../workflows/samples.ts";

// A webhook that reaches a server and the same event that starts a generated workflow ask for the same. What `if` and `on` cannot say (they know no patterns) the gate `trigger` says later.

const commit = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";
const newest = "f".repeat(40);
const repository = { name: "shop", full_name: "acme/shop", default_branch: "main", owner: { login: "acme" } };
const common = { repository, sender: { login: "ada" } };

function pushed(kind: "heads" | "tags", name: string, deleted = false): GitHubEvent {
  const ref = `refs/${kind}/${name}`;
  const after = deleted ? "0".repeat(40) : commit;
  const payload = { ...common, ref, after, deleted, head_commit: deleted ? null : { id: commit } };
  return { name: "push", payload, ref, sha: commit, actor: "ada" };
}

/** Of what happens on no branch of its own, workflows see the newest commit of the default branch. */
function elsewhere(name: string, payload: JsonObject): GitHubEvent {
  return { name, payload: { ...common, ...payload }, ref: "refs/heads/main", sha: newest, actor: "ada" };
}

const branch = fc.constantFrom(
  ...'main|develop|release/1|release/a/b|c++|it\'s|a$(b)|feature/"x"|x/hotfix|v1|*'.split("|"),
);
const tag = fc.constantFrom("v1", "v1.2", "v2.x", "main", "other");

const events: fc.Arbitrary<GitHubEvent> = fc.oneof(
  { weight: 3, arbitrary: branch.map((name) => pushed("heads", name)) },
  { weight: 2, arbitrary: tag.map((name) => pushed("tags", name)) },
  {
    weight: 3,
    arbitrary: fc
      .record({
        name: fc.constantFrom("CI", "it's ours", "Build: all", "Lint all", "Docs"),
        conclusion: fc.constantFrom("success", "success", "failure", "cancelled"),
        event: fc.constantFrom("push", "push", "pull_request", "schedule"),
        head_branch: branch,
        head_sha: fc.constant(commit),
        head_repository: fc.constantFrom("acme/shop", "acme/shop", "mallory/shop").map((full_name) => ({ full_name })),
      })
      .map((run) => elsewhere("workflow_run", { action: "completed", workflow_run: run })),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom("0 3 * * 1-5", "*/15 * * * *", "5 4 * * sun", "*/30 * * * *", "0 4 * * sun", "1 1 * * *")
      .map((schedule) => elsewhere("schedule", { schedule })),
  },
  fc
    .record({
      action: fc.constantFrom("opened", "synchronize", "reopened", "closed", "labeled", "ready_for_review", "edited"),
      base: branch,
      from: fc.constantFrom("acme/shop", "mallory/shop"),
    })
    .map(({ action: done, base, from }): GitHubEvent => {
      const head = { ref: "feature", sha: commit, repo: { full_name: from } };
      const pull = { number: 7, head, base: { ref: base, repo: { full_name: "acme/shop" } } };
      const payload = { ...common, action: done, number: 7, pull_request: pull };
      return { name: "pull_request", payload, ref: "refs/pull/7/merge", sha: newest, actor: "ada" };
    }),
  fc.constantFrom("published", "created", "edited", "deleted").map((done): GitHubEvent => {
    const payload = { ...common, action: done, release: { tag_name: "v1", prerelease: false } };
    return { name: "release", payload, ref: "refs/tags/v1", sha: commit, actor: "ada" };
  }),
);

type Sees = { readonly environment: string; readonly commit: string; readonly ref: string };

/** What the generated workflows do when nothing before a job goes wrong. */
type Done = { deploys: Sees[]; checks: string[]; names: string[] };

function doneBy(workflows: readonly Workflow[], event: GitHubEvent): Done {
  const done: Done = { deploys: [], checks: [], names: [] };
  for (const workflow of workflows.filter((each) => wants(each, event))) {
    const run = { id: 1, number: 1, attempt: 1, event, workflow, triggeringActor: event.actor };
    const github = gitHubContext(run, {
      repository: { ...placeOf, defaultBranch: "main" },
      api: "https://api.github.com",
    });
    for (const job of workflow.jobs) {
      const evaluation = ofJob(job, github);
      if (!evaluation.holds(job.condition)) continue;
      for (const step of job.steps) {
        const given = evaluation.texts(step.with);
        const source = sourceOf(job.steps, evaluation, event);
        if (given["command"] === "check" || given["command"] === "build") done.checks.push(source);
        if (given["command"] === "tag" && step.condition === "success()") done.names.push(given["version"] ?? "");
        if (given["command"] === "deploy")
          done.deploys.push({ environment: given["environment"] ?? "", commit: source, ref: given["ref"] ?? "" });
      }
    }
  }
  return done;
}

const placeOf = { owner: "acme", name: "shop", folder: "/nowhere" };

function ofJob(job: Job, github: JsonObject): Evaluation {
  const needs = Object.fromEntries(job.needs.map((id) => [id, { result: "success", outputs: {} }]));
  const yes = () => true;
  const no = () => false;
  const functions = { success: yes, always: yes, failure: no, cancelled: no, hashFiles: () => "" };
  // Whatever a matrix, a secret or a step may be, it says nothing of what is asked for here.
  const contexts = {
    github,
    needs,
    matrix: {},
    inputs: {},
    vars: {},
    secrets: {},
    steps: {},
    strategy: {},
    runner: {},
    env: {},
  };
  return createEvaluation(contexts, functions);
}

/** The commit that a job checks out; a branch's name where it is whatever that holds. */
function sourceOf(steps: readonly Step[], evaluation: Evaluation, event: GitHubEvent): string {
  const checkout = steps.find(({ uses }) => uses?.startsWith("actions/checkout@"));
  const ref = evaluation.texts(checkout?.with)["ref"] ?? "";
  return ref === "" ? event.sha : ref;
}

async function read(input: ConfigInput): Promise<{ config: Config; workflows: Workflow[] } | null> {
  const config = parseConfig(stringify(input), "/shop/shiplock.yml", {});
  try {
    const files = workflowsOf({ config, configPath: "shiplock.yml", action, previews: null });
    return { config, workflows: await Promise.all(files.map(({ name, text }) => readWorkflow(name, text))) };
  } catch (error) {
    if (error instanceof ShiplockError && error.code === "workflows/one-time-two-branches") return null;
    throw error;
  }
}

function assertAgreement({ config, workflows }: { config: Config; workflows: Workflow[] }, event: GitHubEvent): void {
  const { requests, nothing } = requestsOf(config, event.name, event.payload);
  const done = doneBy(workflows, event);
  const why = `${event.name} ${event.ref} ${JSON.stringify(event.payload)}: ${nothing}`;

  const asked = requests.filter((each) => each.kind === "deploy");
  assert.deepEqual(
    done.deploys.filter(({ environment, ref }) => passes(config, environment, event, ref)).map(sorted),
    asked.map(seenBy).map(sorted),
    why,
  );
  const pulls = requests.flatMap((each) => (each.kind === "checks" ? [each.pull.commit] : []));
  if (event.name === "pull_request" && workflows.some(({ on }) => "pull_request" in on))
    assert.deepEqual([...new Set(done.checks)], pulls, why);
  const versions = requests.flatMap((each) => (each.kind === "tag" ? [each.version] : []));
  if (workflows.some(({ on }) => "release" in on))
    assert.deepEqual(event.name === "release" ? done.names : [], versions, why);
}

/** What the gate `trigger` lets pass of what a job was begun for. */
function passes(config: Config, environment: string, event: GitHubEvent, ref: string): boolean {
  const gates = config.environments[environment]?.gates;
  if (gates === undefined || event.name === "schedule") return gates !== undefined;
  const kind = event.ref.startsWith("refs/tags/") ? "tag" : "branch";
  // A job is also begun by what an environment before it waits for; its own gate then asks for its own.
  const { workflow_run: run } = event.payload as { workflow_run?: { name: string } };
  if (run !== undefined && !gates.on.checks.includes(run.name)) return false;
  return comesByItself(gates, { kind, name: ref.split(":")[0] ?? "" });
}

function seenBy({ environment, ref, commit: exact }: Extract<EventRequest, { kind: "deploy" }>): Sees {
  return { environment, commit: exact ?? ref.name, ref: ref.name };
}

function sorted({ environment, commit: exact, ref }: Sees): string {
  return `${environment} ${exact} ${ref.split(":")[0]}`;
}

test("a webhook asks for what the generated workflow would do, for the same commit, whatever the configuration", async () => {
  await fc.assert(
    fc.asyncProperty(anyInput, fc.array(events, { minLength: 20, maxLength: 20 }), async (input, some) => {
      const made = await read(input);
      fc.pre(made !== null);
      for (const event of some) assertAgreement(made, event);
    }),
    { numRuns: 25 },
  );
});

for (const [kind, input] of Object.entries(kinds))
  test(`a webhook asks for what the generated workflow would do: ${kind}`, async () => {
    const made = await read(input);
    assert.ok(made !== null);
    fc.assert(
      fc.property(events, (event) => assertAgreement(made, event)),
      { numRuns: 60 },
    );
  });
