import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { Ledger, LogChunk } from "../../src/ledger/types.ts";
import { attachment, checkRun, COMMIT, deployment, notice, release } from "./samples.ts";

/** What the contract needs of an implementation: an empty ledger, and one opened from a backup. */
export type LedgerUnderTest = {
  name: string;
  open(folder: string, options: { logLimit?: number }): Promise<Ledger>;
  openBackup(path: string): Promise<Ledger>;
};

/** The tests that every ledger passes; the sentences are those of src/ledger/types.ts. */
export function ledgerContract(adapter: LedgerUnderTest): void {
  describe(`the ${adapter.name} ledger`, () => {
    async function fresh(context: TestContext, options: { logLimit?: number } = {}): Promise<[Ledger, string]> {
      const folder = mkdtempSync(join(tmpdir(), "shiplock-ledger-"));
      const ledger = await adapter.open(folder, options);
      context.after(async () => {
        await ledger.close();
        rmSync(folder, { recursive: true });
      });
      return [ledger, folder];
    }

    test("a release is recorded once, and another one under its id is refused", async (context) => {
      const [ledger] = await fresh(context);
      await ledger.recordRelease(release("r1"));
      await ledger.recordRelease(release("r1"));
      await assert.rejects(ledger.recordRelease(release("r1", { payload: {} })), { code: "ledger/conflict" });
      assert.deepEqual(await ledger.findRelease("shop", "r1"), release("r1"));
    });

    test("the same release told with its keys in another order is the same release", async (context) => {
      const [ledger] = await fresh(context);
      await ledger.recordRelease(release("r1", { payload: { a: 1, b: { c: 2, d: 3 } } }));
      await ledger.recordRelease(release("r1", { payload: { b: { d: 3, c: 2 }, a: 1 } }));
    });

    test("a release is found by the beginning of its id, within its project", async (context) => {
      const [ledger] = await fresh(context);
      for (const id of ["abc", "abcd", "abce", "b%"]) await ledger.recordRelease(release(id));
      await ledger.recordRelease(release("bcd", { project: "other" }));
      assert.equal((await ledger.findRelease("shop", "abc"))?.id, "abc", "an exact id wins over longer ones");
      assert.equal((await ledger.findRelease("shop", "abcd"))?.id, "abcd");
      assert.equal((await ledger.findRelease("shop", "b"))?.id, "b%");
      assert.equal(await ledger.findRelease("shop", "%"), null);
      assert.equal(await ledger.findRelease("shop", "bcd"), null);
      assert.equal(await ledger.findRelease("shop", ""), null);
      await assert.rejects(ledger.findRelease("shop", "ab"), {
        code: "ledger/ambiguous-release",
        details: ["abc", "abcd", "abce"],
      });
    });

    test("the releases of a commit come newest first, by its first characters too", async (context) => {
      const [ledger] = await fresh(context);
      await ledger.recordRelease(release("r1", { commit: "aaaa1111", createdAt: 1 }));
      await ledger.recordRelease(release("r2", { commit: "aaaa1111", createdAt: 2 }));
      await ledger.recordRelease(release("r3", { commit: "aaab1111", createdAt: 3 }));
      const ids = (await ledger.releasesByCommit("shop", "aaaa")).map((found) => found.id);
      assert.deepEqual(ids, ["r2", "r1"]);
      assert.deepEqual(await ledger.releasesByCommit("shop", "ffff"), []);
    });

    test("the newest releases of a project come first, whatever their commits, and no more than were asked for", async (context) => {
      const [ledger] = await fresh(context);
      await ledger.recordRelease(release("r2", { commit: "bbbb", createdAt: 2 }));
      await ledger.recordRelease(release("r1", { commit: "aaaa", createdAt: 1 }));
      await ledger.recordRelease(release("r3", { commit: "aaaa", createdAt: 2 }));
      await ledger.recordRelease(release("r4", { project: "other", createdAt: 9 }));
      const ids = async (limit: number) => (await ledger.recentReleases("shop", limit)).map((found) => found.id);
      assert.deepEqual(await ids(10), ["r3", "r2", "r1"]);
      assert.deepEqual(await ids(2), ["r3", "r2"]);
    });

    test("the runs of a commit's checks come newest first, and each is recorded once", async (context) => {
      const [ledger] = await fresh(context);
      await ledger.recordCheckRun(checkRun("c1", { endedAt: 10 }));
      await ledger.recordCheckRun(checkRun("c2", { endedAt: 30 }));
      await ledger.recordCheckRun(checkRun("c3", { endedAt: 20, result: "passed", source: "tree" }));
      await ledger.recordCheckRun(checkRun("c4", { commit: "c0ffee1".padEnd(40, "0") }));
      await ledger.recordCheckRun(checkRun("c5", { project: "other" }));
      const found = await ledger.checkRuns("shop", COMMIT);
      assert.deepEqual(
        found.map((run) => run.id),
        ["c2", "c3", "c1"],
      );
      assert.deepEqual(found[0], checkRun("c2", { endedAt: 30 }));
      await ledger.recordCheckRun(checkRun("c1", { endedAt: 10 }));
      await assert.rejects(ledger.recordCheckRun(checkRun("c1", { endedAt: 11 })), { code: "ledger/conflict" });
      assert.deepEqual(await ledger.checkRuns("shop", COMMIT.slice(0, 12)), [], "a commit is named by its whole hash");
    });

    test("names of releases are kept with every move, newest first", async (context) => {
      const [ledger] = await fresh(context);
      const version = (name: string, at: number, to: string, project = "shop") => ({
        ...{ project, name, at, release: to, commit: `c0ffee${to}`, environment: "production", who: "ada" },
        payload: [{ name: "web", digest: `sha256:${to}` }],
      });
      const all = [version("v1.0.0", 1, "r1"), version("v1.1.0", 2, "r2"), version("v1.0.0", 3, "r3")];
      for (const one of [...all, version("v9", 9, "r9", "another")]) await ledger.recordVersion(one);
      await ledger.recordVersion(version("v1.1.0", 2, "r2"));
      assert.deepEqual(await ledger.versions("shop"), all.toReversed());
      await assert.rejects(ledger.recordVersion(version("v1.1.0", 2, "r8")), { code: "ledger/conflict" });
      assert.deepEqual(await ledger.versions("nothing"), []);
    });

    test("what is attached to a release is kept whole, once, and found by release and by image", async (context) => {
      const [ledger] = await fresh(context);
      for (const id of ["r1", "r2"]) await ledger.recordRelease(release(id));
      await ledger.recordRelease(release("r1", { project: "other" }));
      const bytes = Buffer.from(`{"findings":[]} \0 ${"x".repeat(100_000)}`);
      const first = await ledger.attachToRelease("shop", "r1", attachment({ bytes }));
      assert.equal(first.digest, `sha256:${createHash("sha256").update(bytes).digest("hex")}`);
      assert.equal(first.size, bytes.length);
      // Scanned again with the same result, at another time: it is kept already.
      const again = await ledger.attachToRelease("shop", "r1", attachment({ bytes, at: 9 }));
      assert.deepEqual(again, first);
      const second = await ledger.attachToRelease("shop", "r2", attachment({ bytes, at: 2 }));
      const sbom = await ledger.attachToRelease("shop", "r1", attachment({ kind: "sbom", at: 3, subject: "sha256:b" }));
      assert.deepEqual(await ledger.attachments("shop", "r1"), [first, sbom]);
      assert.deepEqual(await ledger.attachmentsAbout("shop", "sha256:a"), [first, second]);
      assert.deepEqual(await ledger.attachments("other", "r1"), []);
      assert.deepEqual(Buffer.from((await ledger.readAttachment("shop", first.digest)) ?? []), bytes);
      assert.equal(await ledger.readAttachment("other", first.digest), null);
      assert.equal(await ledger.readAttachment("shop", "sha256:none"), null);
    });

    test("nothing is attached to a release that is not recorded, and nothing past 16 MiB", async (context) => {
      const [ledger] = await fresh(context);
      await assert.rejects(ledger.attachToRelease("shop", "r1", attachment({})), { code: "ledger/unknown-release" });
      await ledger.recordRelease(release("r1"));
      const bytes = new Uint8Array(16 * 1024 * 1024 + 1);
      await assert.rejects(ledger.attachToRelease("shop", "r1", attachment({ bytes })), {
        code: "ledger/attachment-too-large",
      });
      assert.deepEqual(await ledger.attachments("shop", "r1"), []);
    });

    test("a deployment is opened once and keeps the state it has reached", async (context) => {
      const [ledger] = await fresh(context);
      const opened = await ledger.openDeployment(deployment("d1", { why: "it's time", fromRelease: "r0" }));
      assert.deepEqual(opened, {
        ...deployment("d1", { why: "it's time", fromRelease: "r0" }),
        startedAt: null,
        endedAt: null,
        outcome: null,
      });
      await ledger.transition({ deployment: "d1", to: "running", at: 2000 });
      const again = await ledger.openDeployment(deployment("d1", { why: "it's time", fromRelease: "r0" }));
      assert.equal(again.state, "running");
      await assert.rejects(ledger.openDeployment(deployment("d1", { who: "eve" })), { code: "ledger/conflict" });
      assert.equal(await ledger.findDeployment("d2"), null);
    });

    test("a deployment known only from its middle is opened as it stands", async (context) => {
      const [ledger] = await fresh(context);
      const running = await ledger.openDeployment(deployment("d1", { state: "running" }));
      assert.equal(running.startedAt, 1000);
      const failed = await ledger.openDeployment(deployment("d2", { state: "failed" }));
      assert.equal(failed.endedAt, 1000);
    });

    test("a deployment moves only as the transition table allows, and remembers when it began and ended", async (context) => {
      const [ledger] = await fresh(context);
      await ledger.openDeployment(deployment("d1"));
      await assert.rejects(ledger.transition({ deployment: "d1", to: "succeeded", at: 1 }), {
        code: "ledger/transition-refused",
      });
      await ledger.transition({ deployment: "d1", to: "running", at: 2000 });
      const paused = await ledger.transition({ deployment: "d1", to: "paused", at: 3000, outcome: "paused by ada" });
      assert.equal(paused.outcome, "paused by ada");
      await ledger.transition({ deployment: "d1", to: "running", at: 4000 });
      const ended = await ledger.transition({ deployment: "d1", to: "succeeded", at: 5000, outcome: "r1 is live" });
      assert.deepEqual(
        [ended.startedAt, ended.endedAt, ended.outcome, ended.state],
        [2000, 5000, "r1 is live", "succeeded"],
      );
      const again = await ledger.transition({ deployment: "d1", to: "succeeded", at: 9000, outcome: "later" });
      assert.deepEqual(again, ended);
      assert.deepEqual(await ledger.findDeployment("d1"), ended);
      await assert.rejects(
        ledger.transition({ deployment: "d1", to: "running", at: 1 }),
        /succeeded and cannot become/,
      );
      await assert.rejects(ledger.transition({ deployment: "d2", to: "running", at: 1 }), {
        code: "ledger/unknown-deployment",
      });
    });

    test("of two that end a deployment at once, one is refused", async (context) => {
      const [ledger] = await fresh(context);
      await ledger.openDeployment(deployment("d1", { state: "running" }));
      const outcomes = await Promise.allSettled([
        ledger.transition({ deployment: "d1", to: "succeeded", at: 1 }),
        ledger.transition({ deployment: "d1", to: "failed", at: 1 }),
      ]);
      assert.deepEqual(outcomes.map((outcome) => outcome.status).sort(), ["fulfilled", "rejected"]);
    });

    test("history pages from the newest to the oldest without missing or repeating any, equal times included", async (context) => {
      const [ledger] = await fresh(context);
      for (let number = 0; number < 25; number += 1) {
        const id = `d${String(number).padStart(2, "0")}`;
        const environment = number % 5 === 0 ? "production" : "staging";
        await ledger.openDeployment(deployment(id, { environment, createdAt: 1000 + Math.floor(number / 4) }));
      }
      await ledger.openDeployment(deployment("x", { project: "other", createdAt: 9999 }));
      const seen: string[] = [];
      for (let before: string | undefined; ; before = seen.at(-1)) {
        const page = await ledger.history({ project: "shop", limit: 7, ...(before ? { before } : {}) });
        seen.push(...page.map((entry) => entry.id));
        if (page.length < 7) break;
      }
      const all = Array.from({ length: 25 }, (_, number) => `d${String(24 - number).padStart(2, "0")}`);
      assert.deepEqual(seen, all);
      const production = await ledger.history({ project: "shop", environment: "production", limit: 3, before: "d20" });
      assert.deepEqual(
        production.map((entry) => entry.id),
        ["d15", "d10", "d05"],
      );
      assert.equal((await ledger.latest("shop", "production"))?.id, "d20");
      assert.equal(await ledger.latest("shop", "nowhere"), null);
    });

    test("what has not ended in an environment is known, newest first, and nothing that has", async (context) => {
      const [ledger] = await fresh(context);
      await ledger.openDeployment(deployment("d1"));
      await ledger.openDeployment(deployment("d2", { createdAt: 2000, state: "running" }));
      await ledger.openDeployment(deployment("d3", { createdAt: 3000 }));
      await ledger.openDeployment(deployment("d4", { environment: "production" }));
      await ledger.openDeployment(deployment("d5", { project: "other" }));
      const ids = async () => (await ledger.unfinished("shop", "staging")).map((entry) => entry.id);
      assert.deepEqual(await ids(), ["d3", "d2", "d1"]);
      await ledger.transition({ deployment: "d2", to: "failed", at: 4000 });
      await ledger.transition({ deployment: "d3", to: "cancelled", at: 4000 });
      assert.deepEqual(await ids(), ["d1"]);
    });

    test("a page that cannot be given is refused", async (context) => {
      const [ledger] = await fresh(context);
      await assert.rejects(ledger.history({ project: "shop", limit: 0 }), { code: "ledger/bad-limit" });
      await assert.rejects(ledger.history({ project: "shop", limit: 1001 }), { code: "ledger/bad-limit" });
      await assert.rejects(ledger.history({ project: "shop", limit: 1, before: "nope" }), {
        code: "ledger/unknown-deployment",
      });
    });

    test("gate answers of every judgement are kept", async (context) => {
      const [ledger] = await fresh(context);
      await ledger.openDeployment(deployment("d1"));
      const first = { at: 1, gate: "branches", answer: "wait", reason: "until noon", payload: { until: 5 } } as const;
      const second = { at: 2, gate: "branches", answer: "pass", reason: "main may", payload: null } as const;
      await ledger.recordGateAnswers("d1", [second, { ...second, gate: "confirm" }]);
      await ledger.recordGateAnswers("d1", [first]);
      await ledger.recordGateAnswers("d1", [first]);
      assert.deepEqual(await ledger.gateAnswers("d1"), [first, second, { ...second, gate: "confirm" }]);
      await assert.rejects(ledger.recordGateAnswers("d1", [{ ...first, answer: "pass" }]), { code: "ledger/conflict" });
      await assert.rejects(ledger.gateAnswers("d2"), { code: "ledger/unknown-deployment" });
    });

    test("of a step its last word counts, and steps stay in the order in which they began", async (context) => {
      const [ledger] = await fresh(context);
      await ledger.openDeployment(deployment("d1"));
      const pull = { step: "pull", host: "b", state: "running", startedAt: 1, endedAt: null, evidence: null };
      const commit = { step: "commit", host: null, state: "running", startedAt: 2, endedAt: null, evidence: {} };
      const other = { ...pull, host: "a" };
      for (const step of [pull, other, commit]) await ledger.recordStep("d1", step);
      const done = { ...pull, state: "done", endedAt: 3, evidence: { digest: "sha256:1" } };
      await ledger.recordStep("d1", done);
      assert.deepEqual(await ledger.steps("d1"), [done, other, commit]);
      await assert.rejects(ledger.recordStep("d2", pull), { code: "ledger/unknown-deployment" });
    });

    test("events come back in order after a given one, and telling one twice changes nothing", async (context) => {
      const [ledger] = await fresh(context);
      await ledger.openDeployment(deployment("d1"));
      const event = (sequence: number) => ({ sequence, at: sequence, kind: "step", payload: { n: sequence } });
      await ledger.appendEvents("d1", [event(1), event(2)]);
      await ledger.appendEvents("d1", [event(2), event(3), event(10)]);
      assert.deepEqual(await ledger.events("d1", 0), [event(1), event(2), event(3), event(10)]);
      assert.deepEqual(await ledger.events("d1", 2, 1), [event(3)]);
    });

    test("an event that contradicts a recorded one is refused with all that came along", async (context) => {
      const [ledger] = await fresh(context);
      await ledger.openDeployment(deployment("d1"));
      const event = { sequence: 2, at: 1, kind: "step", payload: {} };
      await ledger.appendEvents("d1", [event]);
      const told = [
        { ...event, sequence: 1 },
        { ...event, kind: "other" },
      ];
      await assert.rejects(ledger.appendEvents("d1", told), { code: "ledger/conflict" });
      assert.deepEqual(await ledger.events("d1", 0), [event]);
      await assert.rejects(ledger.appendEvents("d2", [event]), { code: "ledger/unknown-deployment" });
    });

    test("a payload that JSON cannot carry is refused and nothing is written", async (context) => {
      const [ledger] = await fresh(context);
      await ledger.openDeployment(deployment("d1"));
      const event = { sequence: 1, at: 1, kind: "step", payload: undefined };
      await assert.rejects(ledger.appendEvents("d1", [event]), { code: "ledger/not-json" });
      await assert.rejects(ledger.recordRelease(release("r1", { payload: 1n })), { code: "ledger/not-json" });
      assert.deepEqual(await ledger.events("d1", 0), []);
    });

    test("a log is kept in order, in chunks, and read from any place and source", async (context) => {
      const [ledger] = await fresh(context);
      await ledger.openDeployment(deployment("d1"));
      const long = "ä☃𝄞x".repeat(20_000);
      assert.deepEqual(await ledger.appendLog("d1", { at: 1, source: "pull", text: long }), { complete: true });
      await ledger.appendLog("d1", { at: 2, source: "web", text: "a\u001b[31mb\n" });
      await ledger.appendLog("d1", { at: 3, source: "web", text: "" });
      const chunks = await collect(ledger.readLog("d1"));
      assert.ok(chunks.every((chunk) => Buffer.byteLength(chunk.text) <= 64 * 1024));
      assert.equal(textOf(chunks), `${long}a\u001b[31mb\n`);
      assert.deepEqual(
        chunks.map((chunk) => chunk.sequence),
        chunks.map((_, index) => index + 1),
      );
      assert.equal(textOf(await collect(ledger.readLog("d1", { source: "web" }))), "a\u001b[31mb\n");
      assert.equal(textOf(await collect(ledger.readLog("d1", { after: chunks.length - 1 }))), "a\u001b[31mb\n");
      await assert.rejects(collect(ledger.readLog("d2")), { code: "ledger/unknown-deployment" });
    });

    test("a log longer than its limit says once that the rest was dropped", async (context) => {
      const [ledger] = await fresh(context, { logLimit: 100 });
      await ledger.openDeployment(deployment("d1"));
      const line = { at: 1, source: "web", text: `${"x".repeat(39)}\n` };
      assert.equal((await ledger.appendLog("d1", line)).complete, true);
      assert.equal((await ledger.appendLog("d1", line)).complete, true);
      assert.equal((await ledger.appendLog("d1", line)).complete, false);
      assert.equal((await ledger.appendLog("d1", { ...line, text: "short" })).complete, false);
      const text = textOf(await collect(ledger.readLog("d1")));
      assert.match(text, /^(x{39}\n){2}\[shiplock: the log is longer[^\n]+\]\n$/);
    });

    test("a backup is a whole ledger, and never replaces a file", async (context) => {
      const [ledger, folder] = await fresh(context);
      await ledger.recordRelease(release("r1"));
      const { digest } = await ledger.attachToRelease("shop", "r1", attachment({}));
      await ledger.openDeployment(deployment("d1"));
      await ledger.appendEvents("d1", [{ sequence: 1, at: 1, kind: "step", payload: [1] }]);
      await ledger.appendLog("d1", { at: 1, source: "web", text: "hello\n" });
      await ledger.recordCheckRun(checkRun("c1"));
      const path = join(folder, "backup");
      await ledger.backup(path);
      await assert.rejects(ledger.backup(path), { code: "ledger/backup-exists" });
      await ledger.transition({ deployment: "d1", to: "cancelled", at: 2 });

      const copy = await adapter.openBackup(path);
      try {
        assert.deepEqual(await copy.findRelease("shop", "r1"), release("r1"));
        assert.equal(Buffer.from((await copy.readAttachment("shop", digest)) ?? []).toString(), "{}");
        assert.equal((await copy.findDeployment("d1"))?.state, "queued");
        assert.equal((await copy.checkRuns("shop", COMMIT)).length, 1);
        assert.equal((await copy.events("d1", 0)).length, 1);
        assert.equal(textOf(await collect(copy.readLog("d1"))), "hello\n");
      } finally {
        await copy.close();
      }
    });

    test("what became of a notice is recorded once, and comes back newest first, for a project or a deployment", async (context) => {
      const [ledger, folder] = await fresh(context);
      const sent = notice("n1", { at: 1, payload: { ts: "1.2", channel: "C1" } });
      await ledger.recordNotice(sent);
      await ledger.recordNotice(sent);
      await assert.rejects(ledger.recordNotice(notice("n1", { at: 2 })), { code: "ledger/conflict" });
      const held = notice("n2", { at: 5, deployment: null, environment: null, status: "failed", tries: 0 });
      const later = notice("n3", { at: 5 });
      await ledger.recordNotice(held);
      await ledger.recordNotice(later);
      await ledger.recordNotice(notice("n4", { project: "other" }));
      assert.deepEqual(await ledger.notices({ project: "shop", limit: 10 }), [later, held, sent]);
      assert.deepEqual(await ledger.notices({ project: "shop", deployment: "d1", limit: 10 }), [later, sent]);
      assert.deepEqual(await ledger.notices({ project: "shop", limit: 1 }), [later]);
      const copy = join(folder, "copy");
      await ledger.backup(copy);
      const restored = await adapter.openBackup(copy);
      assert.equal((await restored.notices({ project: "shop", limit: 10 })).length, 3);
      await restored.close();
    });

    test("many calls at once all take effect", async (context) => {
      const [ledger] = await fresh(context);
      const ids = Array.from({ length: 20 }, (_, number) => `d${number}`);
      await Promise.all(ids.map((id) => ledger.openDeployment(deployment(id))));
      await Promise.all(
        ids.map((_, number) =>
          ledger.appendEvents("d0", [{ sequence: number + 1, at: number, kind: "step", payload: number }]),
        ),
      );
      assert.equal((await ledger.history({ project: "shop", limit: 100 })).length, 20);
      assert.equal((await ledger.events("d0", 0)).length, 20);
    });

    test("closing twice is no error", async (context) => {
      const [ledger] = await fresh(context);
      await ledger.close();
    });
  });
}

async function collect(chunks: AsyncIterable<LogChunk>): Promise<LogChunk[]> {
  const all: LogChunk[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}

function textOf(chunks: readonly LogChunk[]): string {
  return chunks.map((chunk) => chunk.text).join("");
}
