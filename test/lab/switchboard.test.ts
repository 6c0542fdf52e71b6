import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { WebSocket } from "ws";
import { formatReport, okSince, startLoad } from "../load/client.ts";

const program = join(import.meta.dirname, "../../examples/switchboard/server.mjs");
const waitMs = 10_000;

type Switchboard = { url: string; child: ChildProcess; ended: Promise<number | null> } & AsyncDisposable;

/** Starts the switchboard on a free port, and returns when it listens. */
async function startSwitchboard(switches: Record<string, string> = {}, calls?: string): Promise<Switchboard> {
  const env = {
    PATH: process.env["PATH"],
    PORT: "0",
    ...(calls === undefined ? {} : { CALL_URL: calls }),
    ...switches,
  };
  const child = spawn(process.execPath, [program], { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number | null>((resolve) => child.once("exit", (code) => resolve(code)));
  const port = await portOf(child);
  return {
    url: `http://127.0.0.1:${port}`,
    child,
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function portOf(child: ChildProcess): Promise<string> {
  let said = "";
  const signal = AbortSignal.timeout(waitMs);
  for (;;) {
    const [chunk] = await once(child.stdout as NodeJS.ReadableStream, "data", { signal });
    said += String(chunk);
    const found = /listening on (\d+)/.exec(said)?.[1];
    if (found !== undefined) return found;
  }
}

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url, { signal: AbortSignal.timeout(waitMs) });
  await response.arrayBuffer();
  return response.status;
}

async function openWebSocket(url: string): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/ws`);
  await once(socket, "open", { signal: AbortSignal.timeout(waitMs) });
  return socket;
}

test("the switchboard answers the whole mix of the load client without a loss", async () => {
  await using web = await startSwitchboard({ VERSION: "v1" });
  await using caller = await startSwitchboard({ VERSION: "v1" }, web.url);
  const targets = [{ name: "web", url: web.url }];
  const callers = [{ name: "caller", url: caller.url }];
  await using run = startLoad({ targets, callers, slowMs: 300, allowed: ["v1"] });
  await run.waitFor(okSince(400), waitMs);
  const report = await run.stop();
  assert.equal(report.lost, 0, formatReport(report));
  assert.ok(report.webSockets.echoes > 0);
});

test("at SIGTERM the switchboard answers what is under way, says why it closes WebSockets, and ends with 0", async () => {
  await using web = await startSwitchboard();
  const socket = await openWebSocket(web.url);
  const closed = once(socket, "close", { signal: AbortSignal.timeout(waitMs) });
  const slow = fetch(`${web.url}/slow?ms=700`, { signal: AbortSignal.timeout(waitMs) });
  await statusOf(`${web.url}/`); // the slow request was sent before this one, and has arrived
  web.child.kill("SIGTERM");
  const [code, reason] = await closed;
  assert.equal(code, 1012);
  assert.equal(String(reason), "service restart");
  await assert.rejects(statusOf(`${web.url}/`));
  assert.equal((await slow).status, 200);
  assert.equal(await web.ended, 0);
});

test("messages of every length come back over the WebSocket, also in fragments", async () => {
  await using web = await startSwitchboard();
  const socket = await openWebSocket(web.url);
  for (const text of ["", "é", "x".repeat(125), "x".repeat(126), "x".repeat(70_000)]) {
    const answer = once(socket, "message", { signal: AbortSignal.timeout(waitMs) });
    socket.send(text.slice(0, 1), { fin: false });
    socket.send(text.slice(1), { fin: true });
    assert.equal(String((await answer)[0]), text);
  }
  const closed = once(socket, "close", { signal: AbortSignal.timeout(waitMs) });
  socket.close(1000);
  assert.equal((await closed)[0], 1000);
});

test("the switchboard's switches break what they say", async () => {
  await using ill = await startSwitchboard({ HEALTH_STATUS: "500" });
  assert.equal(await statusOf(`${ill.url}/healthz`), 500);
  assert.equal(await statusOf(`${ill.url}/`), 200);

  await using stubborn = await startSwitchboard({ IGNORE_SIGTERM: "1", HEALTH_FAIL_AFTER_MS: "1" });
  stubborn.child.kill("SIGTERM");
  assert.equal(await statusOf(`${stubborn.url}/healthz`), 500);
  assert.equal(stubborn.child.exitCode, null);

  const exits = spawn(process.execPath, [program], { env: { START_EXIT: "3" }, stdio: "ignore" });
  assert.equal((await once(exits, "exit", { signal: AbortSignal.timeout(waitMs) }))[0], 3);
  const migration = spawn(process.execPath, [program, "migrate"], {
    env: { MIGRATION_EXIT: "4", MIGRATION_MS: "1" },
    stdio: "ignore",
  });
  assert.equal((await once(migration, "exit", { signal: AbortSignal.timeout(waitMs) }))[0], 4);
});
