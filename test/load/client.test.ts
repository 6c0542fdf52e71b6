import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  answeredBy,
  formatReport,
  type LoadCondition,
  type LoadOptions,
  type LoadReport,
  type LoadRun,
  lossesOf,
  okSince,
  startLoad,
} from "./client.ts";
import { type MisbehavingServer, type Misbehaviour, startMisbehavingServer } from "./misbehaving-server.ts";
import type { LossClass } from "./types.ts";

const WAIT_MS = 8000;
const GETS_AND_POSTS = { "keep-alive-get": 1, "keep-alive-post": 1, "fresh-get": 1, "fresh-post": 1 } as const;

/** Loads a misbehaving server until `enough`, and reports; 200 requests/s of ordinary kinds and no WebSocket unless told otherwise. */
async function loadUntil(
  misbehaviour: Misbehaviour,
  enough: LoadCondition,
  options: Partial<LoadOptions> = {},
  meanwhile: (server: MisbehavingServer, run: LoadRun) => Promise<void> = async () => undefined,
): Promise<{ report: LoadReport; server: MisbehavingServer }> {
  const server = await startMisbehavingServer(misbehaviour);
  const targets = [{ name: "web", url: server.url }];
  try {
    await using run = startLoad({ targets, mix: GETS_AND_POSTS, webSockets: 0, allowed: ["v1"], ...options });
    await meanwhile(server, run);
    await run.waitFor(enough, WAIT_MS);
    return { report: await run.stop(), server };
  } finally {
    await server.close();
  }
}

function classesIn(report: LoadReport): LossClass[] {
  return [...new Set(lossesOf(report).map((loss) => loss.class))].sort();
}

function kindsIn(report: LoadReport): string[] {
  return [...new Set(lossesOf(report).map((loss) => loss.kind))].sort();
}

describe("the load client", { concurrency: 2 }, () => {
  test("an honest server under the full mix at 200 requests a second loses nothing", async () => {
    const server = await startMisbehavingServer();
    const targets = [
      { name: "one", url: server.url, host: "one.example.com" },
      { name: "two", url: server.url, host: "two.example.com" },
    ];
    const callers = [{ name: "caller", url: server.url }];
    try {
      await using run = startLoad({ targets, callers, slowMs: 500, allowed: ["v1"] });
      await run.waitFor((now) => now.atMs > 2500, WAIT_MS);
      const report = await run.stop();
      assert.deepEqual(lossesOf(report), [], formatReport(report));
      assert.equal(report.sent, report.ok + report.webSockets.crossedClose);
      assert.ok(Math.abs(report.arrivals.sentPerSecond - 200) < 12, `${report.arrivals.sentPerSecond} per second`);
      const kinds = report.byKind.map(({ kind, ok }) => (ok > 0 ? kind : `no ${kind}`)).sort();
      const all = ["fresh-get", "fresh-post", "idle-get", "idle-post", "internal-call"];
      assert.deepEqual(kinds, [...all, "keep-alive-get", "keep-alive-post", "slow", "websocket"]);
      assert.equal(report.webSockets.opened, 6);
      assert.ok(report.webSockets.echoes > 40, `${report.webSockets.echoes} echoes`);
      assert.deepEqual([...server.hosts].sort(), [new URL(server.url).host, "one.example.com", "two.example.com"]);
    } finally {
      await server.close();
    }
  });

  test("a port that nobody listens on is refused", async () => {
    const server = await startMisbehavingServer();
    await server.close();
    await using run = startLoad({ targets: [{ name: "web", url: server.url }] });
    await run.waitFor((now) => now.byClass.refused > 20, WAIT_MS);
    const report = await run.stop();
    assert.deepEqual(classesIn(report), ["refused"]);
    assert.ok(kindsIn(report).includes("websocket"));
    assert.equal(report.ok, 0);
    assert.ok(
      lossesOf(report).every((loss) => loss.onReusedSocket === 0 && loss.first.message.includes("ECONNREFUSED")),
    );
  });

  test("a kept connection that is reset when it is used again is a loss, not retried, and known as reused", async () => {
    const { report } = await loadUntil({ resetAtRequest: 2 }, (now) => now.byClass.reset > 20);
    assert.deepEqual(classesIn(report), ["reset"]);
    assert.deepEqual(kindsIn(report), ["keep-alive-get", "keep-alive-post"]);
    for (const loss of lossesOf(report)) {
      assert.equal(loss.onReusedSocket, loss.count);
      assert.ok(
        loss.first.reused &&
          loss.first.idleMs !== undefined &&
          loss.first.atMs > 0 &&
          loss.last.atMs >= loss.first.atMs,
      );
    }
  });

  test("connections are used again after a silence of 1 to 3 s", async () => {
    const { report } = await loadUntil({ resetAtRequest: 2 }, (now) => now.byClass.reset > 2, {
      ratePerSecond: 20,
      mix: { "idle-get": 1, "idle-post": 1 },
    });
    const silences = lossesOf(report).flatMap(({ first, last }) => [first.idleMs ?? 0, last.idleMs ?? 0]);
    assert.ok(
      silences.every((ms) => ms > 900 && ms < 3500),
      silences.join(),
    );
  });

  test("an answer that breaks off is reset", async () => {
    const { report } = await loadUntil({ truncate: true }, (now) => now.byClass.reset > 20);
    assert.deepEqual(classesIn(report), ["reset"]);
    assert.equal(report.ok, 0);
  });

  test("a 503 is a 5xx with its status, and a redirect an unexpected status", async () => {
    const { report } = await loadUntil(
      { status: 503 },
      (now) => now.byClass["unexpected-status"] > 20,
      {},
      async (server, run) => {
        await run.waitFor((now) => now.byClass["5xx"] > 20, WAIT_MS);
        server.misbehaviour = { status: 302 };
      },
    );
    assert.deepEqual(classesIn(report), ["5xx", "unexpected-status"]);
    assert.equal(lossesOf(report).find((loss) => loss.class === "5xx")?.first.status, 503);
  });

  test("arrivals keep their rate while the server hangs, and every one of them is timed out", async () => {
    const rate = { ratePerSecond: 200, timeoutMs: 800 };
    const { report, server } = await loadUntil({ hang: true }, (now) => now.atMs > 1200, rate);
    assert.deepEqual(classesIn(report), ["timed-out"]);
    assert.equal(report.byClass["timed-out"], report.sent);
    assert.equal(server.received, report.sent);
    assert.ok(Math.abs(report.arrivals.sentPerSecond - 200) < 10, `${report.arrivals.sentPerSecond} per second`);
    assert.equal(report.longestGap?.ms, report.durationMs);
  });

  test("what has no answer by the deadline of stop has timed out", async () => {
    const server = await startMisbehavingServer({ hang: true });
    try {
      await using run = startLoad({ targets: [{ name: "web", url: server.url }], webSockets: 0 });
      await run.waitFor((now) => now.inFlight > 20, WAIT_MS);
      const report = await run.stop({ deadlineMs: 50 });
      assert.equal(report.byClass["timed-out"], report.sent);
      assert.equal(await run.stop(), report);
    } finally {
      await server.close();
    }
  });

  test("a late answer is ok and counted as hung, a slow request that takes its time is not", async () => {
    const late = await loadUntil({ lateMs: 300 }, (now) => now.hung > 20, { hungMs: 200 });
    assert.deepEqual(lossesOf(late.report), []);
    assert.equal(late.report.hung, late.report.ok);
    assert.match(late.report.hungFirst?.message ?? "", /answered after \d+ ms, 0 expected/);
    const slow = await loadUntil({}, okSince(3), { mix: { slow: 1 }, ratePerSecond: 20, slowMs: 600, hungMs: 400 });
    assert.deepEqual([slow.report.lost, slow.report.hung], [0, 0], formatReport(slow.report));
  });

  test("a release that is not allowed is wrong, from the instant that it is not", async () => {
    const { report } = await loadUntil(
      {},
      (now) => now.byClass["wrong-release"] > 20,
      {},
      async (server, run) => {
        await run.waitFor(answeredBy("v1", 50), WAIT_MS);
        await run.setAllowed(["v1", "v2"]);
        run.mark("the deployment begins");
        server.version = "v2";
        const during = await run.waitFor(answeredBy("v2", 50), WAIT_MS);
        assert.equal(during.lost, 0);
        await run.setAllowed(["v2"]);
        run.mark("the deployment has ended");
        assert.equal((await run.waitFor(okSince(50), WAIT_MS)).lost, 0);
        server.version = "v1";
      },
    );
    assert.deepEqual(classesIn(report), ["wrong-release"]);
    assert.ok(lossesOf(report).every((loss) => loss.first.version === "v1"));
    assert.deepEqual(
      report.phases.map(({ label, lost }) => [label, lost > 0]),
      [
        ["start", false],
        ["the deployment begins", false],
        ["the deployment has ended", true],
      ],
    );
    assert.deepEqual(report.versions.map(({ version }) => version).sort(), ["v1", "v2"]);
    const counted = report.versionsOverTime
      .flatMap(({ counts }) => Object.values(counts))
      .reduce((sum, count) => sum + count, 0);
    assert.equal(counted, report.sent);
  });

  test("a request that was sent while its release was still allowed may be answered by it later", async () => {
    const slow = { mix: { slow: 1 }, ratePerSecond: 40, slowMs: 600 } as const;
    const { report } = await loadUntil({}, okSince(10), slow, async (server, run) => {
      await run.waitFor((now) => now.inFlight > 10, WAIT_MS);
      server.version = "v2";
      await run.setAllowed(["v2"]);
    });
    const wrong = lossesOf(report).filter((loss) => loss.first.version === "v1");
    assert.deepEqual(wrong, []);
    assert.deepEqual(new Set(report.versions.map(({ version }) => version)), new Set(["v1", "v2"]));
  });

  test("a header and a body of different releases are mixed", async () => {
    const { report } = await loadUntil({ headerVersion: "v2" }, (now) => now.byClass.mixed > 20, {
      allowed: ["v1", "v2"],
    });
    assert.deepEqual(classesIn(report), ["mixed"]);
    assert.equal(lossesOf(report)[0]?.first.message, "header says v2, body says v1");
  });

  test("a post that comes back changed, and an internal call that failed, are losses", async () => {
    const server = await startMisbehavingServer({ garble: true, callFails: true });
    const targets = [{ name: "web", url: server.url }];
    const callers = [{ name: "caller", url: server.url }];
    try {
      await using run = startLoad({ targets, callers, webSockets: 0 });
      await run.waitFor((now) => now.byClass["wrong-body"] > 20 && now.byClass["internal-call-failed"] > 2, WAIT_MS);
      const report = await run.stop({ deadlineMs: 100 });
      const losses = lossesOf(report).filter((loss) => loss.kind !== "slow");
      assert.ok(
        losses.every((loss) => loss.class === (loss.kind === "internal-call" ? "internal-call-failed" : "wrong-body")),
      );
      assert.ok(losses.every((loss) => loss.kind === "internal-call" || loss.kind.endsWith("-post")));
    } finally {
      await server.close();
    }
  });

  test("a plain application is judged by its status alone", async () => {
    const server = await startMisbehavingServer();
    try {
      await using run = startLoad({ targets: [{ name: "shop", url: server.url, plainPath: "/anything" }] });
      await run.waitFor(okSince(100), WAIT_MS);
      server.misbehaviour = { status: 500 };
      await run.waitFor((now) => now.byClass["5xx"] > 20, WAIT_MS);
      const report = await run.stop();
      assert.deepEqual(classesIn(report), ["5xx"]);
      assert.deepEqual(report.byKind.map(({ kind }) => kind).sort(), ["fresh-get", "idle-get", "keep-alive-get"]);
      assert.ok(report.arrivals.sentPerSecond > 180, `${report.arrivals.sentPerSecond} per second`);
    } finally {
      await server.close();
    }
  });
});

describe("a WebSocket of the load client", { concurrency: 2 }, () => {
  const sockets = {
    mix: { "keep-alive-get": 1 },
    ratePerSecond: 10,
    webSockets: 2,
    echoEveryMs: 20,
    echoTimeoutMs: 800,
  } as const;

  test("that is destroyed without a close frame was closed unannounced, and the next one is opened", async () => {
    const wrong: Misbehaviour = { webSocket: "destroy" };
    const { report } = await loadUntil(wrong, (now) => now.byClass["websocket-closed-unannounced"] > 3, sockets);
    assert.deepEqual(classesIn(report), ["websocket-closed-unannounced", "websocket-echo-lost"]);
    assert.match(lossesOf(report).find((loss) => loss.class.endsWith("unannounced"))?.first.message ?? "", /code 1006/);
    assert.ok(report.webSockets.opened >= 4);
  });

  test("that is closed with no reason was closed unannounced", async () => {
    const wrong: Misbehaviour = { webSocket: "close-without-reason" };
    const { report } = await loadUntil(wrong, (now) => now.byClass["websocket-closed-unannounced"] > 1, sockets);
    assert.match(lossesOf(report).find((loss) => loss.class.endsWith("unannounced"))?.first.message ?? "", /code 1005/);
  });

  test("that is closed with 1012 loses nothing and is opened again at once", async () => {
    const { report } = await loadUntil(
      { webSocket: "announce" },
      (now) => now.webSockets.closedAnnounced >= 6,
      sockets,
    );
    assert.deepEqual(lossesOf(report), [], formatReport(report));
    assert.ok(report.webSockets.opened >= 6);
    assert.equal(report.sent, report.ok + report.webSockets.crossedClose);
  });

  test("whose echo never comes has lost it, on a connection that goes on", async () => {
    const wrong: Misbehaviour = { webSocket: "swallow" };
    const { report } = await loadUntil(wrong, (now) => now.byClass["websocket-echo-lost"] >= 2, sockets);
    assert.deepEqual(classesIn(report), ["websocket-echo-lost"]);
    assert.equal(report.byClass["websocket-echo-lost"], 2);
    assert.equal(report.webSockets.opened, 2);
  });

  test("that is answered with 503 is a 5xx", async () => {
    const { report } = await loadUntil({ webSocket: "refuse" }, (now) => now.byClass["5xx"] > 3, sockets);
    assert.deepEqual([classesIn(report), kindsIn(report)], [["5xx"], ["websocket"]]);
  });
});

describe("a run of the load client", () => {
  test("that waits in vain says how the load stands", async () => {
    await assert.rejects(
      loadUntil({}, okSince(0), {}, async (_server, run) => {
        await run.waitFor((now) => now.lost > 0, 300);
      }),
      /waited 300 ms for the condition; the load stands at \{"sent":\d+/,
    );
  });

  test("that has no target is refused at once", () => {
    assert.throws(() => startLoad({ targets: [] }), /at least one target/);
  });

  test("whose process is gone says so to whoever asks", async () => {
    const run = startLoad({ targets: [{ name: "web", url: "http://127.0.0.1:1" }] });
    await run.snapshot();
    await run[Symbol.asyncDispose]();
    await assert.rejects(run.snapshot(), /the load process has ended/);
    await assert.rejects(run.stop(), /the load process has ended/);
  });

  test("is reported as a table that names each loss, when it was and on what connection", async () => {
    const { report } = await loadUntil({ resetAtRequest: 2 }, (now) => now.byClass.reset > 5);
    const text = formatReport(report);
    assert.match(text, /^\d+ requests in [\d.]+ s \(\d+\/s of 200\/s asked/);
    assert.match(
      text,
      /LOST \d+ × reset: keep-alive-(get|post) to web, \d+ on a reused connection\n {2}(first|at) [\d.]+ s: /,
    );
    assert.match(text, /keep-alive-get +\d+ +\d+ +\d+ +0 +[\d.]+/);
  });
});
