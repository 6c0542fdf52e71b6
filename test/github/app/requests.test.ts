import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { requestsOf } from "../../../src/github/app/requests.ts";
import type { EventRequest, EventRules } from "../../../src/github/app/types.ts";
import { matchesAny } from "../../../src/environments/gates/refs.ts";
import { type Body, exampleBodies, exampleOf } from "./examples.ts";

type On = EventRules["environments"][string]["gates"]["on"];

function rules(environments: Readonly<Record<string, Partial<On>>>): EventRules {
  const bare: On = { push: [], tags: [], checks: [], schedule: [] };
  return {
    environments: Object.fromEntries(
      Object.entries(environments).map(([name, on]) => [
        name,
        { gates: { on: { ...bare, ...on }, branches: undefined } },
      ]),
    ),
  };
}

const shop = rules({
  staging: { push: ["main", "release/*"] },
  demo: { push: ["main"], checks: ["CI"] },
  nightly: { push: ["release/*", "next"], schedule: ["0 3 * * *"] },
  production: { tags: ["v*"] },
});

const commit = "6113728f27ae82c7b1a177c8d03f9e96e0adf246";
const zeros = "0".repeat(40);

/** An example of GitHub's own, changed. */
function push(ref: string, change: Body = {}): Body {
  return { ...exampleOf("push", (body) => body["ref"] === "refs/heads/master"), after: commit, ref, ...change };
}

function run(change: Body, action = "completed"): Body {
  const example = exampleOf("workflow_run", ({ action: done }) => done === "completed");
  const repository = {
    ...(example["repository"] as Body),
    name: "shop",
    full_name: "acme/shop",
    owner: { login: "acme" },
  };
  const passed = { name: "CI", conclusion: "success", event: "push", head_branch: "main", head_sha: commit };
  const given = { ...(example["workflow_run"] as Body), ...passed, head_repository: { full_name: "acme/shop" } };
  return { ...example, action, repository, workflow_run: { ...given, ...change } };
}

function pull(action: string, change: { head?: Body; base?: string } = {}): Body {
  const example = exampleOf("pull_request", (body) => body["action"] === "opened");
  const given = example["pull_request"] as { head: Body; base: Body };
  return {
    ...example,
    action,
    pull_request: {
      ...given,
      head: { ...given.head, ...change.head },
      base: { ...given.base, ...(change.base === undefined ? {} : { ref: change.base }) },
    },
  };
}

const branch = (name: string) => ({ kind: "branch", name }) as const;
const deploy = (environment: string, by: "push" | "checks" | "schedule", name = "main"): EventRequest => ({
  kind: "deploy",
  environment,
  by,
  ref: branch(name),
  commit: by === "schedule" ? null : commit,
});

const head = { number: 2, branch: "changes", commit: "ec26c3e57ca3a959ca5aad62de7213c562f8c821", fork: false };

const table: readonly (readonly [string, string, Body, readonly EventRequest[] | RegExp])[] = [
  [
    "a push comes to where its branch is named",
    "push",
    push("refs/heads/release/1"),
    [deploy("staging", "push", "release/1"), deploy("nightly", "push", "release/1")],
  ],
  [
    "a push does not come to where the team's CI has to have passed",
    "push",
    push("refs/heads/main"),
    [deploy("staging", "push")],
  ],
  ["a push that only waits for CI says so", "push", push("refs/heads/none"), /branch none comes nowhere by itself/],
  [
    "a branch that is deleted comes nowhere",
    "push",
    push("refs/heads/main", { deleted: true, after: zeros }),
    /branch main was deleted/,
  ],
  [
    "a tag with a message is the commit that it is on",
    "push",
    push("refs/tags/v1", { after: "a".repeat(40), head_commit: { id: commit } }),
    [{ kind: "deploy", environment: "production", by: "push", ref: { kind: "tag", name: "v1" }, commit }],
  ],
  ["a tag is no branch of the same name", "push", push("refs/tags/main"), /tag main comes nowhere by itself/],
  ["a note is neither branch nor tag", "push", push("refs/notes/commits"), /neither a branch nor a tag/],
  ["what CI has passed comes, as the commit that it ran for", "workflow_run", run({}), [deploy("demo", "checks")]],
  ["what CI has failed comes nowhere", "workflow_run", run({ conclusion: "failure" }), /CI has not passed: failure/],
  ["what CI was stopped for comes nowhere", "workflow_run", run({ conclusion: "cancelled" }), /not passed: cancelled/],
  ["a CI that has begun says nothing yet", "workflow_run", run({ conclusion: null }, "requested"), /CI is requested/],
  ["another workflow is not waited for", "workflow_run", run({ name: "Docs" }), /nothing waits for Docs/],
  [
    "CI of a pull request brings nothing",
    "workflow_run",
    run({ event: "pull_request" }),
    /ran for pull_request, not for a push/,
  ],
  [
    "CI of a fork brings nothing, whatever its branch is called",
    "workflow_run",
    run({ head_repository: { full_name: "mallory/shop" } }),
    /another repository/,
  ],
  [
    "CI of a repository that is gone brings nothing",
    "workflow_run",
    run({ head_repository: null }),
    /another repository/,
  ],
  [
    "CI of another branch comes nowhere",
    "workflow_run",
    run({ head_branch: "feature" }),
    /branch feature comes nowhere/,
  ],
  [
    "a pull request is checked and shown",
    "pull_request",
    pull("opened"),
    [
      { kind: "checks", pull: head },
      { kind: "preview-up", pull: head },
    ],
  ],
  [
    "a pull request from a fork is marked as one",
    "pull_request",
    pull("synchronize", { head: { repo: { full_name: "mallory/Hello-World" } } }),
    [
      { kind: "checks", pull: { ...head, fork: true } },
      { kind: "preview-up", pull: { ...head, fork: true } },
    ],
  ],
  [
    "a pull request from a fork that is gone is still one",
    "pull_request",
    pull("reopened", { head: { repo: null } }),
    [
      { kind: "checks", pull: { ...head, fork: true } },
      { kind: "preview-up", pull: { ...head, fork: true } },
    ],
  ],
  ["a pull request that is closed has no preview", "pull_request", pull("closed"), [{ kind: "preview-down", pull: 2 }]],
  ["a label changes nothing", "pull_request", pull("labeled"), /labeled asks for nothing/],
  [
    "a published Release is a version",
    "release",
    exampleOf("release", ({ action }) => action === "published"),
    [{ kind: "tag", version: "0.0.1", prerelease: false }],
  ],
  [
    "a Release that is written is none yet",
    "release",
    exampleOf("release", ({ action }) => action === "created"),
    /created asks for nothing/,
  ],
  [
    "a branch that is gone is told",
    "delete",
    { ...exampleOf("delete"), ref: "feature/x", ref_type: "branch" },
    [{ kind: "branch-gone", branch: "feature/x" }],
  ],
  ["a tag that is gone asks for nothing", "delete", exampleOf("delete"), /a tag that is deleted/],
  [
    "a time brings the first plain branch",
    "schedule",
    { schedule: "0 3 * * *" },
    [deploy("nightly", "schedule", "next")],
  ],
  ["another time brings nothing", "schedule", { schedule: "0 4 * * *" }, /nothing is due at 0 4/],
  ["a comment asks for nothing", "issue_comment", exampleOf("issue_comment"), /issue_comment asks for nothing/],
  ["a body that lacks something asks for nothing, and says what", "push", { ref: "refs/heads/main" }, /lacks after/],
];

for (const [promise, event, body, expected] of table)
  test(promise, () => {
    const { requests, nothing } = requestsOf(shop, event, body);
    if (expected instanceof RegExp) {
      assert.deepEqual(requests, []);
      assert.match(nothing ?? "", expected);
    } else {
      assert.deepEqual(requests, expected);
      assert.equal(nothing, null);
    }
  });

test("where an event is of, who got it and who did it, is told with it", () => {
  const pushed = push("refs/heads/main");
  const { repository, sender, installation } = requestsOf(shop, "push", pushed);
  const from = { owner: "Codertocat", name: "Hello-World" };
  assert.deepEqual([repository, sender, installation], [from, "Codertocat", 1]);
  assert.equal(requestsOf(shop, "push", { ...pushed, installation: undefined }).installation, null);
  assert.equal(requestsOf(shop, "push", null).repository, null);
});

test("each of GitHub's examples asks for something or says why not, and whatever is sent instead too", () => {
  for (const [event, bodies] of exampleBodies)
    for (const body of bodies) {
      const { requests, nothing } = requestsOf(shop, event, body);
      assert.equal(requests.length === 0, nothing !== null && nothing !== "", event);
      assert.doesNotMatch(nothing ?? "", /lacks/, event);
    }
  const event = fc.constantFrom("push", "workflow_run", "pull_request", "release", "delete", "schedule", "constructor");
  fc.assert(
    fc.property(event, fc.jsonValue(), (name, body) => {
      const { requests, nothing } = requestsOf(shop, name, body);
      assert.equal(requests.length === 0, nothing !== null);
    }),
  );
});

const segment = fc.constantFrom("main", "release", "v1", "a", "b-c", "it's", "$(x)");
const name = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const patterns = fc.array(fc.oneof(name, fc.constantFrom("*", "**/*", "release/*", "v*")), { maxLength: 3 });
const anyRules = fc
  .dictionary(
    fc.constantFrom("one", "two", "three"),
    fc.record({ push: patterns, tags: patterns, checks: fc.subarray(["CI", "Docs"]) }),
  )
  .map(rules);

test("what a push brings is what the gates let come by itself, each environment once, as exactly the pushed commit", () => {
  fc.assert(
    fc.property(anyRules, name, fc.boolean(), (given, pushed, isTag) => {
      const ref = { kind: isTag ? "tag" : "branch", name: pushed } as const;
      const full = `refs/${isTag ? "tags" : "heads"}/${pushed}`;
      const { requests } = requestsOf(given, "push", push(full, { head_commit: { id: commit } }));
      const expected = Object.entries(given.environments)
        .filter(
          ([, { gates }]) =>
            matchesAny(isTag ? gates.on.tags : gates.on.push, pushed) && (isTag || gates.on.checks.length === 0),
        )
        .map(([environment]) => ({ kind: "deploy", environment, by: "push", ref, commit }));
      assert.deepEqual(requests, expected);
    }),
  );
});

test("a push and its CI together bring each environment that names the branch", () => {
  fc.assert(
    fc.property(anyRules, name, (given, pushed) => {
      const bodies: readonly (readonly [string, Body])[] = [
        ["push", push(`refs/heads/${pushed}`)],
        ["workflow_run", run({ head_branch: pushed })],
        ["workflow_run", run({ head_branch: pushed, name: "Docs" })],
      ];
      const brought = bodies.flatMap(([event, body]) => requestsOf(given, event, body).requests);
      const expected = Object.entries(given.environments)
        .filter(([, { gates }]) => matchesAny(gates.on.push, pushed))
        .map(([environment]) => environment);
      const environments = brought.flatMap((each) => (each.kind === "deploy" ? [each.environment] : []));
      assert.deepEqual(new Set(environments), new Set(expected));
    }),
  );
});

test("a pull request asks for the same whatever branch it shall be merged into", () => {
  fc.assert(
    fc.property(name, fc.constantFrom("opened", "synchronize", "reopened", "closed"), (base, action) => {
      assert.deepEqual(
        requestsOf(shop, "pull_request", pull(action, { base })),
        requestsOf(shop, "pull_request", pull(action)),
      );
    }),
  );
});
