import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { allEndsTold, foldNotices, type NoticeFold, startNotices } from "../../src/deploy/notices.ts";
import type { DeploymentEvent } from "../../src/deploy/request.ts";
import type { StepEvent } from "../../src/deploy/run.ts";
import { transitions, type DeploymentState } from "../../src/deploy/states.ts";
import type { Plan, Step } from "../../src/deploy/types.ts";
import type { NewTicket, TicketOptions } from "../../src/environments/queue/types.ts";
import type { Notice } from "../../src/notify/types.ts";
import { shop } from "../fakes/shop.ts";

const document = shop("v1");
const at = "2026-11-20T10:00:00.000Z";
const origin = { who: "ada", from: "laptop", command: "shiplock deploy production", reason: "prices" };
const noOptions: TicketOptions = { confirmed: null, emergency: null, overrideFreeze: null, takeOver: false, skip: [] };

function requested(deployment: string): DeploymentEvent {
  const ticket: NewTicket = {
    ...{ deployment, kind: "deploy", trigger: "manual", state: "queued", release: document.release.id },
    ...{ document: document.name, subject: "s", commit: document.release.commit, commitTime: at, ref: null, origin },
    ...{ requesters: [], createdAt: at, expiresAt: at, waiting: [], approvals: [] },
    options: noOptions,
  };
  return { kind: "requested", ticket, document, from: null, environment: "production", project: "shop" };
}

function planned(deployment: string, purpose: "run" | "resume" | "abort" = "run"): DeploymentEvent {
  const plan: Plan = {
    ...{ version: 1, deployment, kind: "deploy", project: "shop", environment: "production", from: "r-v0", to: "r-v1" },
    ...{ place: "a", fromPlace: "b", warm: false, strategy: "rolling", homeHost: "one", hosts: ["one"], skipped: [] },
    ...{ steps: [], createdAt: at, origin, notes: [] },
  };
  return { kind: "planned", purpose, plan, document };
}

function step(kind: StepEvent["kind"], id: string, change: Partial<StepEvent> = {}): DeploymentEvent {
  const own: Step = { id, host: "one", needs: [], title: `do ${id}`, action: { kind: "tidy" } };
  return { kind: "step", event: { kind, step: own, at, ...change } };
}

function state(deployment: string, reached: DeploymentState, outcome = "a sentence"): DeploymentEvent {
  return { kind: "state", deployment, state: reached, outcome };
}

function told(events: readonly DeploymentEvent[]): { notices: Notice[]; fold: NoticeFold } {
  let fold = startNotices("https://shop.example.com");
  const notices: Notice[] = [];
  for (const event of events) {
    const next = foldNotices(fold, event, at);
    fold = next.fold;
    notices.push(...next.notices);
  }
  return { notices, fold };
}

const events = (all: readonly DeploymentEvent[]): string[] => told(all).notices.map(({ event }) => event);

test("a deployment is told from its request to its end, with who, why and what", () => {
  const { notices } = told([
    requested("d-1"),
    state("d-1", "waiting", "reviewers: needs one approval"),
    planned("d-1"),
    state("d-1", "running"),
    state("d-1", "succeeded", "r-v1 is live"),
  ]);
  assert.deepEqual(
    notices.map(({ event, outcome }) => [event, outcome]),
    [
      ["requested", null],
      ["waiting", "reviewers: needs one approval"],
      ["started", "r-v0 → r-v1"],
      ["succeeded", "r-v1 is live"],
    ],
  );
  for (const notice of notices)
    assert.deepEqual(
      [notice.deployment, notice.environment, notice.release, notice.who, notice.why, notice.links.url, notice.subject],
      ["d-1", "production", "r-v1", "ada", "prices", "https://shop.example.com", "version v1"],
    );
});

test("a step that fails is told with the last lines that it wrote, and the end with those of the first one", () => {
  const lines = Array.from({ length: 50 }, (_, index) => step("step-log", "start", { text: `line ${index}` }));
  const { notices } = told([
    planned("d-1"),
    step("step-began", "pull", { at: "2026-11-20T10:00:00.000Z" }),
    step("step-done", "pull", { at: "2026-11-20T10:00:02.000Z", evidence: { acted: true, summary: "pulled" } }),
    step("step-began", "look"),
    step("step-done", "look", { evidence: { acted: false, summary: "nothing to do" } }),
    step("step-began", "start"),
    step("step-log", "other", { text: "of another step" }),
    ...lines,
    step("step-failed", "start", { text: "it did not become healthy" }),
    step("undo-done", "pull", { evidence: { acted: true, summary: "removed" } }),
    state("d-1", "rolled-back"),
  ]);
  const [, failed, end] = notices;
  assert.equal(failed?.event, "step-failed");
  assert.equal(failed?.outcome, "one: do start: it did not become healthy");
  assert.deepEqual(failed?.lastLines.slice(-2), ["line 49", "it did not become healthy"]);
  assert.equal(failed?.lastLines.length, 20);
  assert.ok(!failed?.lastLines.includes("of another step"));
  assert.deepEqual(end?.lastLines, failed?.lastLines);
  assert.deepEqual(
    end?.steps.map(({ title, state, ms }) => [title, state, ms]),
    [
      ["do pull", "undone", 2_000],
      ["do look", "unchanged", 0],
      ["do start", "failed", 0],
    ],
  );
});

test("another's request that is carried through first is told as its own, with its own steps", () => {
  const { notices, fold } = told([
    requested("d-2"),
    requested("d-1"),
    planned("d-1"),
    step("step-failed", "start", { text: "broken" }),
    state("d-1", "failed"),
    planned("d-2"),
    state("d-2", "succeeded"),
  ]);
  assert.deepEqual(
    notices.map(({ event, deployment }) => `${deployment ?? ""} ${event}`),
    ["d-2 requested", "d-1 requested", "d-1 started", "d-1 step-failed", "d-1 failed", "d-2 started", "d-2 succeeded"],
  );
  assert.deepEqual(notices.at(-1)?.steps, []);
  assert.ok(allEndsTold(fold));
});

test("an emergency is told with its reason, what it passed over and until when it is to be reviewed; an overridden freeze with its reason, a hold with whose it is", () => {
  const passed = [{ gate: "reviewers", reason: "no approval" }] as const;
  const by = { name: "ada", aliases: [], source: "local" } as const;
  const review = { deployment: "d-1", release: "r-v1", by, reason: "the shop is down", at, dueBy: at, reviewed: null };
  const whose = { environment: "production", project: "shop" };
  const hold = { by, since: at, until: null, reason: "demo", takenFrom: null };
  const { notices } = told([
    requested("d-1"),
    planned("d-1"),
    { kind: "emergency", review: { ...review, passed }, ...whose },
    { kind: "freeze-overridden", deployment: "d-1", release: "r-v1", by, reason: "it cannot wait", ...whose },
    { kind: "emergency", review: { ...review, passed: [] }, ...whose },
    { kind: "hold-taken-over", deployment: "d-1", hold, ...whose },
  ]);
  assert.deepEqual(
    notices.map(({ event, outcome }) => [event, outcome]),
    [
      ["requested", null],
      ["started", "r-v0 → r-v1"],
      ["emergency", `the shop is down; passed over reviewers (no approval); to be reviewed by ${at}`],
      ["freeze-overridden", "it cannot wait"],
      ["emergency", `the shop is down; no gate stood in its way; to be reviewed by ${at}`],
      ["taken-over", `held by ada since ${at} until it is lifted: demo`],
    ],
  );
});

test("a hook that wants a rollback is told where none follows, because another request comes next", () => {
  const unwatched = (wantsRollback: string | null): DeploymentEvent => ({
    ...{ kind: "unwatched", deployment: "d-1", release: "r-v1", next: "d-2", wantsRollback },
  });
  assert.deepEqual(told([planned("d-1"), state("d-1", "succeeded"), unwatched(null)]).notices.length, 2);
  const { notices } = told([planned("d-1"), state("d-1", "succeeded"), unwatched("the smoke tests failed")]);
  assert.deepEqual(
    [notices.at(-1)?.event, notices.at(-1)?.outcome],
    ["watch-failed", "the smoke tests failed; it is not taken back by itself, since d-2 comes next"],
  );
});

test("a lease that was taken from somebody is told, and who resumes or takes back says so", () => {
  const tookOver = { who: "bob", from: "ci", deployment: "d-0", command: "c", since: at } as never;
  const { notices } = told([{ kind: "lease-taken", fence: 2, tookOver }, planned("d-1", "resume")]);
  assert.deepEqual(
    notices.map(({ event, outcome }) => [event, outcome]),
    [
      ["taken-over", "from bob (ci), whose session was ended"],
      ["started", "going on with r-v1, which was interrupted"],
    ],
  );
  assert.match(told([planned("d-1", "abort")]).notices[0]?.outcome ?? "", /^taking r-v1 back/);
});

test("whatever happens in whatever order, nothing is told of what is not known, and every end is told once for each time it is reached", () => {
  const ids = fc.constantFrom("d-1", "d-2");
  const states = fc.constantFrom(...(Object.keys(transitions) as DeploymentState[]));
  const kinds = fc.constantFrom("step-began", "step-done", "step-failed", "undo-done", "step-log", "undo-failed");
  const any = fc.oneof(
    ids.map((id) => requested(id)),
    ids.map((id) => planned(id)),
    fc.tuple(ids, states).map(([id, reached]) => state(id, reached)),
    kinds.map((kind) => step(kind as StepEvent["kind"], "start", { text: "text" })),
  );
  fc.assert(
    fc.property(fc.array(any, { maxLength: 30 }), (all) => {
      const known = new Set<string>();
      let expected = 0;
      for (const event of all) {
        if (event.kind === "requested") known.add(event.ticket.deployment);
        if (event.kind === "planned") known.add(event.plan.deployment);
        if (event.kind === "state" && known.has(event.deployment) && event.state === "failed") expected += 1;
      }
      const { notices } = told(all);
      assert.equal(notices.filter(({ event }) => event === "failed").length, expected);
      for (const notice of notices) assert.ok(known.has(notice.deployment ?? ""));
    }),
  );
});

test("a release that goes bad while it is watched is told as such, with what was seen, and nothing is told of any other watch", () => {
  const watched = (how: "healthy" | "bad" | "unseen" | "interrupted"): DeploymentEvent => ({
    ...{ kind: "watch", deployment: "d-1", release: "r-v1" },
    news: { kind: "ended", end: { how, said: "web-1 does not run" } },
  });
  const live = [requested("d-1"), planned("d-1"), state("d-1", "succeeded")];
  const { notices } = told([...live, watched("bad")]);
  const last = notices.at(-1);
  assert.deepEqual([last?.event, last?.deployment, last?.outcome], ["watch-failed", "d-1", "web-1 does not run"]);
  for (const how of ["healthy", "unseen", "interrupted"] as const)
    assert.deepEqual(events([...live, watched(how)]), events(live));
});
