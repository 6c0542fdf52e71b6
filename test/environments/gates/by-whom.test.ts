import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { branchesGate } from "../../../src/environments/gates/branches.ts";
import { confirmGate } from "../../../src/environments/gates/confirm.ts";
import { guardGate, occupiedText } from "../../../src/environments/gates/guard.ts";
import { holdGate } from "../../../src/environments/gates/hold.ts";
import { obstacles, judge } from "../../../src/environments/gates/judge.ts";
import { newerGate } from "../../../src/environments/gates/newer.ts";
import { gates } from "../../../src/environments/gates/table.ts";
import { triggerGate } from "../../../src/environments/gates/trigger.ts";
import type { CommitStatus } from "../../../src/checks/statuses.ts";
import { ownBranch } from "../../../src/config/own-branch.ts";
import { gateNames, type GatePolicy } from "../../../src/config/types-gates.ts";
import type { CodeFacts, Gate, GateDecision, GateFacts } from "../../../src/environments/gates/types.ts";
import type { RefName } from "../../../src/environments/queue/types.ts";
import { facts, liveRelease, noon, person, policyOf, request, stateWith } from "./facts.ts";

function answer(gate: Gate, changes: Partial<GateFacts>): [GateDecision["answer"] | "skip", string] {
  const decision = gate.judge(facts(changes));
  return [decision.answer === "block" && decision.skips === true ? "skip" : decision.answer, decision.reason];
}

const branch = (name: string) => ({ kind: "branch", name }) as const;
const tag = (name: string) => ({ kind: "tag", name }) as const;

describe("the table of gates", () => {
  it("asks every gate once, in the order of their names", () => {
    const names = gates.map(({ name }) => name);
    assert.deepEqual(
      names,
      gateNames.filter((name) => names.includes(name)),
    );
    assert.equal(new Set(names).size, names.length);
  });

  it("lets everything pass where an environment asks for nothing", () => {
    const judgement = judge(facts({ state: stateWith({ live: liveRelease() }), relation: "newer" }));
    assert.deepEqual(obstacles(judgement), []);
    assert.ok(judgement.decisions.every(({ reason }) => reason !== ""));
  });

  it("lets a rollback pass wherever nobody has to look first", () => {
    const policy = policyOf({
      ...{ statuses: "test", reviewed: true },
      ...{ confirm: true, guard: true, wait: "1h", drift: "block", reviewers: ["grace"], branches: "main" },
      ...{ on: { push: "main" }, after: { qa: "1h" }, freeze: [{ from: "2026-01-01", until: "2027-01-01" }] },
    });
    const hold = { by: person("grace"), since: "2026-11-20T08:00:00Z", until: null, reason: "demo", takenFrom: null };
    const state = stateWith({ live: liveRelease({ branch: "feature/x" }), hold });
    const judgement = judge(facts({ kind: "rollback", policy, state, relation: "older", drift: ["web is gone"] }));
    assert.deepEqual(obstacles(judgement), []);
  });
});

describe("what comes by itself", () => {
  const policy = policyOf({ on: { push: ["main", "release/*"], tags: "v*" } });
  const automatic = (ref: ReturnType<typeof branch> | ReturnType<typeof tag> | null) =>
    answer(triggerGate, { policy, request: request({ trigger: "automatic", ref }) });

  it("is a branch or a tag that the environment names", () => {
    assert.equal(automatic(branch("main"))[0], "pass");
    assert.equal(automatic(branch("release/1.2"))[0], "pass");
    assert.equal(automatic(tag("v1.2"))[0], "pass");
  });

  it("is skipped, not failed, when it belongs to another branch or tag", () => {
    assert.equal(automatic(branch("feature/x"))[0], "skip");
    assert.equal(automatic(branch("v1.2"))[0], "skip");
    assert.equal(automatic(tag("main"))[0], "skip");
    assert.match(automatic(branch("feature/x"))[1], /only branch main, branch release\/\* and tag v\*/);
  });

  it("fails where nothing can come by itself, and where nobody knows the branch", () => {
    assert.equal(automatic(null)[0], "block");
    const none = { policy: policyOf(), request: request({ trigger: "automatic" }) };
    assert.equal(answer(triggerGate, none)[0], "block");
  });

  it("is not asked for of what somebody deploys by hand", () => {
    assert.equal(answer(triggerGate, { policy, request: request({ ref: branch("feature/x") }) })[0], "pass");
  });
});

describe("what comes by itself when the team's own CI has passed", () => {
  const policy = policyOf({ on: { push: "main", tags: "v*", checks: ["CI", "E2E"] } });
  const automatic = (workflows: CodeFacts["workflows"], ref: RefName = branch("main")) => {
    const code = { statuses: null, workflows, origins: null };
    return answer(triggerGate, { policy, code, request: request({ trigger: "automatic", ref }) });
  };
  const run = (name: string, state: CommitStatus["state"]): CommitStatus => ({ name, state, url: null });

  it("comes when every workflow that is named has passed for exactly this commit", () => {
    assert.deepEqual(automatic([run("CI", "success"), run("E2E", "success"), run("Docs", "failure")]), [
      "pass",
      "branch main is deployed to staging by itself; CI and E2E passed for commit c0ffee1",
    ]);
  });

  it("is skipped, not failed, while one has not passed: its end starts this anew", () => {
    for (const state of ["pending", "failure", "unknown"] as const)
      assert.deepEqual(automatic([run("CI", "success"), run("E2E", state)])[0], "skip");
    assert.match(automatic([run("CI", "success")]).join(" "), /^skip .*for commit c0ffee1: E2E is missing$/);
  });

  it("fails where none of them is known, which is a wrong name, and where GitHub cannot be asked", () => {
    assert.equal(automatic([run("ci", "success")])[0], "block");
    assert.match(automatic({ unreachable: "no token" }).join(" "), /^block whether CI and E2E passed .*: no token/);
    assert.equal(automatic(null)[0], "block");
  });

  it("waits for no workflow where it is a tag, or somebody asks for it by hand", () => {
    assert.equal(automatic(null, tag("v1"))[0], "pass");
    assert.equal(answer(triggerGate, { policy, request: request() })[0], "pass");
  });

  it("is skipped for another branch, whatever has passed there", () => {
    assert.equal(automatic([run("CI", "success"), run("E2E", "success")], branch("feature/x"))[0], "skip");
  });
});

describe("what comes by a schedule", () => {
  const nightly = { schedule: "0 3 * * *" };
  const automatic = (policy: GatePolicy, name: string) =>
    answer(triggerGate, { policy, request: request({ trigger: "automatic", ref: branch(name) }) });

  it("is the environment's own branch: the first plain one of on.push, or else of branches", () => {
    const pushed = policyOf({ on: { ...nightly, push: ["release/*", "main"] } });
    const only = policyOf({ on: nightly, branches: ["release/*", "main", "develop"] });
    assert.deepEqual([ownBranch(pushed), ownBranch(only)], ["main", "main"]);
    assert.equal(automatic(only, "main")[0], "pass");
    assert.deepEqual(automatic(only, "develop"), [
      "skip",
      "branch develop is not deployed to staging by itself, only branch main",
    ]);
  });

  it("keeps a guarded environment for that branch, too", () => {
    const policy = policyOf({ on: nightly, branches: "main", guard: true });
    const live = (name: string) =>
      answer(guardGate, { policy, state: stateWith({ live: liveRelease({ branch: name }) }) });
    assert.equal(live("main")[1], "nobody's branch occupies it");
    assert.match(live("feature/x")[1], /^replaces feature\/x/);
  });
});

describe("the policy of branches and tags", () => {
  const policy = policyOf({ branches: ["main", "release/*"] });

  it("lets through what it names, and says what it names otherwise", () => {
    assert.equal(answer(branchesGate, { policy })[0], "pass");
    const [said, reason] = answer(branchesGate, { policy, request: request({ ref: branch("feature/x") }) });
    assert.equal(said, "block");
    assert.match(reason, /branch feature\/x may not be deployed to staging: staging takes only branch main and branch/);
  });

  it("takes a tag only where tags are named, whatever its name", () => {
    assert.equal(answer(branchesGate, { policy, request: request({ ref: tag("main") }) })[0], "block");
    const tags = policyOf({ tags: "v*" });
    assert.equal(answer(branchesGate, { policy: tags, request: request({ ref: tag("v1") }) })[0], "pass");
    assert.equal(answer(branchesGate, { policy: tags, request: request({ ref: branch("v1") }) })[0], "block");
  });

  it("takes no bare commit and no working tree", () => {
    assert.equal(answer(branchesGate, { policy, request: request({ ref: null }) })[0], "block");
    assert.equal(answer(branchesGate, { policy, dirty: true })[0], "block");
    assert.equal(answer(branchesGate, { request: request({ ref: null }), dirty: true })[0], "pass");
  });
});

describe("the typed confirmation", () => {
  const policy = policyOf({ confirm: true });
  const typed = (confirmed: string | null) =>
    answer(confirmGate, { policy, request: request({ options: { ...request().options, confirmed } }) })[0];

  it("is the environment's very name", () => {
    assert.equal(typed("staging"), "pass");
    for (const other of [null, "", "Staging", "staging ", "production"]) assert.equal(typed(other), "block");
  });
});

describe("the guard of an environment", () => {
  const policy = policyOf({ guard: true, on: { push: "main", tags: "v*" } });
  const push = request({ trigger: "automatic" });
  const guarded = (live: ReturnType<typeof liveRelease>, changes: Partial<GateFacts> = {}) =>
    answer(guardGate, { policy, request: push, state: stateWith({ live }), ...changes });

  it("keeps what comes by itself from overwriting somebody's branch, and says whose", () => {
    assert.deepEqual(guarded(liveRelease({ branch: "feature/x" })), [
      "skip",
      "held by feature/x, ada, since 2026-11-20 10:00 UTC",
    ]);
  });

  it("is told to who looks at the environment: whose it is, and what frees it; nothing where nobody's branch is there", () => {
    const told = (live: ReturnType<typeof liveRelease>) => occupiedText(stateWith({ live }), policy);
    assert.match(
      told(liveRelease({ branch: "feature/x" })) ?? "",
      /^kept for feature\/x of ada since 2026-11-20 10:00 UTC: .*`shiplock deploy \w+ --ref main` frees it$/,
    );
    assert.equal(told(liveRelease()), null);
    assert.equal(
      occupiedText(stateWith({ live: liveRelease({ branch: "feature/x" }) }), { ...policy, guard: false }),
      null,
    );
  });

  it("holds a bare commit for its owner, too", () => {
    assert.match(guarded(liveRelease({ branch: null })).join(" "), /^skip held by commit beef123, ada/);
  });

  it("is not in the way of what would come by itself, however it came", () => {
    assert.equal(guarded(liveRelease())[0], "pass");
    assert.equal(guarded(liveRelease({ trigger: "automatic", branch: "once-in-on.push" }))[0], "pass");
    const asked = { trigger: "manual", ref: tag("v1"), commitTime: noon.toISOString(), by: person("ada") } as const;
    assert.equal(guarded(liveRelease({ asked }))[0], "pass");
  });

  it("lets somebody replace the branch by hand, which frees the environment, and says whose it was", () => {
    const live = liveRelease({ branch: "feature/x" });
    assert.deepEqual(guarded(live, { request: request() }), [
      "pass",
      "replaces feature/x, ada's since 2026-11-20 10:00 UTC",
    ]);
    assert.equal(guarded(liveRelease(), { request: push })[0], "pass");
  });

  it("is off unless it is set", () => {
    assert.equal(
      guarded(liveRelease({ branch: "feature/x" }), { policy: policyOf({ on: { push: "main" } }) })[0],
      "pass",
    );
  });

  it("knows a branch also by a record of an earlier Shiplock, which does not say who asked how", () => {
    assert.equal(guarded({ ...liveRelease({ branch: "feature/x" }), asked: null })[0], "skip");
    assert.equal(guarded({ ...liveRelease(), asked: null })[0], "pass");
    assert.equal(guarded({ ...liveRelease({ branch: null }), asked: null })[0], "pass");
  });

  it("pauses what comes by itself after a rollback, guard or not", () => {
    const automaticPaused = { since: "2026-11-20T11:00:00Z", by: "grace", reason: "rolled back from r-2 to r-1" };
    const state = stateWith({ live: liveRelease(), automaticPaused });
    for (const each of [policy, policyOf({ on: { push: "main" } })]) {
      const [said, reason] = answer(guardGate, { policy: each, request: push, state });
      assert.equal(said, "skip");
      assert.match(reason, /paused since 2026-11-20 11:00 UTC: grace rolled back from r-2 to r-1/);
      assert.equal(answer(guardGate, { policy: each, state })[0], "pass");
    }
  });
});

describe("a hold", () => {
  const hold = {
    ...{ by: person("grace", "grace@example.com"), since: "2026-11-20T08:00:00Z", reason: "demo at noon" },
    ...{ until: "2026-11-20T18:00:00Z" as string | null, takenFrom: null },
  };
  const held = (changes: Partial<GateFacts> = {}, until = hold.until) =>
    answer(holdGate, { state: stateWith({ hold: { ...hold, until } }), ...changes });

  it("stops others, and says who holds it, until when, and why", () => {
    assert.deepEqual(held(), [
      "block",
      "held by grace since 2026-11-20 08:00 UTC, until 2026-11-20 18:00 UTC: demo at noon",
    ]);
    assert.match(held({}, null)[1], /until it is lifted: demo/);
  });

  it("skips what comes by itself, also under its holder's name", () => {
    assert.equal(held({ request: request({ trigger: "automatic" }) })[0], "skip");
    assert.equal(held({ request: request({ trigger: "automatic", requesters: [hold.by] }) })[0], "skip");
  });

  it("is no obstacle for its holder, by whichever of their names", () => {
    assert.equal(held({ request: request({ requesters: [person("GRACE@example.com")] }) })[0], "pass");
  });

  it("is taken over by who says so", () => {
    const options = { ...request().options, takeOver: true };
    const [said, reason] = held({ request: request({ options }) });
    assert.equal(said, "pass");
    assert.match(reason, /^takes over; held by grace/);
  });

  it("is over at its end, to the moment", () => {
    assert.equal(held({ now: new Date("2026-11-20T17:59:59.999Z") })[0], "block");
    assert.equal(held({ now: new Date("2026-11-20T18:00:00Z") })[0], "pass");
  });
});

describe("what is older than what is live", () => {
  const live = stateWith({ live: liveRelease() });
  const judged = (relation: GateFacts["relation"], changes: Partial<GateFacts> = {}) =>
    answer(newerGate, { state: live, relation, ...changes })[0];
  const push = (commitTime: string) => ({ request: request({ trigger: "automatic", commitTime }) });

  it("does not come back but by a rollback", () => {
    assert.equal(judged("older"), "block");
    assert.equal(judged("older", push("2026-11-20T11:00:00Z")), "skip");
    assert.equal(judged("older", { kind: "rollback" }), "pass");
    const decision = newerGate.judge(facts({ state: live, relation: "older" }));
    assert.match(decision.answer === "block" ? decision.remedy : "", /shiplock rollback staging --to c0ffee123456/);
  });

  it("is what git says; what is newer or the same passes", () => {
    for (const relation of ["same", "newer"] as const) {
      assert.equal(judged(relation), "pass");
      assert.equal(judged(relation, push("2020-01-01T00:00:00Z")), "pass");
    }
    assert.equal(answer(newerGate, { relation: "older" })[0], "pass");
  });

  it("is what was made earlier where git does not say, for what comes by itself", () => {
    for (const relation of ["unknown", "diverged"] as const) {
      assert.equal(judged(relation, push("2026-11-20T08:59:59Z")), "skip");
      assert.equal(judged(relation, push("2026-11-20T09:00:00Z")), "pass");
      // Times are compared, not their texts.
      assert.equal(judged(relation, push("2026-11-20T10:30:00+02:00")), "skip");
    }
  });

  it("may be another branch by its name, by hand: main frees what a branch occupied that began at it", () => {
    const occupied = stateWith({ live: liveRelease({ branch: "feature/x" }) });
    assert.equal(judged("older", { state: occupied }), "pass");
    const commitAlone = stateWith({ live: liveRelease({ branch: null }) });
    assert.equal(judged("older", { state: commitAlone }), "pass");
    for (const changes of [{ ref: branch("feature/x") }, { ref: tag("v1") }, { ref: null }])
      assert.equal(judged("older", { state: occupied, request: request(changes) }), "block");
    assert.equal(judged("older", { state: occupied, request: request({ trigger: "automatic" }) }), "skip");
  });

  it("may be deployed by hand from another branch: so main frees what a branch occupied", () => {
    assert.equal(judged("diverged", { request: request({ commitTime: "2020-01-01T00:00:00Z" }) }), "pass");
  });
});
