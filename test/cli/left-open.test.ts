import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { endLeftOpen } from "../../src/cli/left-open.ts";
import { systemClock } from "../../src/clock.ts";
import { stateRules } from "../../src/deploy/states.ts";
import { createMemoryLedger } from "../../src/ledger/memory.ts";
import type { EnvironmentState } from "../../src/environments/record/types.ts";
import { createOutput } from "../../src/cli/output.ts";
import { history } from "../environments/states.ts";
import { deployment } from "../ledger/samples.ts";

test("a history that does not answer keeps nobody waiting, is told, and writes nothing afterwards", async () => {
  let said = "";
  const stream = { write: (text: string) => void (said += text) };
  const output = createOutput({ json: true, stdout: stream, stderr: stream, environment: {} });
  const ledger = createMemoryLedger({ states: stateRules });
  const state: EnvironmentState = history("v1");
  const { project, environment } = state;
  await ledger.openDeployment(deployment("d-gone", { project, environment, createdAt: 1000 }));
  const answer = Promise.withResolvers<void>();
  const slow = {
    ...ledger,
    unfinished: async (of: string, where: string) => answer.promise.then(() => ledger.unfinished(of, where)),
  };
  const record = { last: () => ({ state }), read: async () => ({ state }) } as unknown as Parameters<
    typeof endLeftOpen
  >[1]["record"];
  const session = { record, leaseHolder: async () => null };
  const impatient = { ...systemClock, wait: (_: number, signal?: AbortSignal) => systemClock.wait(5, signal) };
  await endLeftOpen({ output }, session, slow, impatient);
  assert.match(said, /stays open: it could not be looked at within 10 s/);
  answer.resolve();
  await nextTurn();
  assert.equal((await ledger.findDeployment("d-gone"))?.state, "queued");
  await endLeftOpen({ output }, session, slow, systemClock);
  assert.equal((await ledger.findDeployment("d-gone"))?.state, "cancelled");
});
