import assert from "node:assert/strict";
import { it } from "node:test";
import { rememberedHeads, rememberHead } from "../../src/cli/audit-memory.ts";
import { stateRules } from "../../src/deploy/states.ts";
import { createMemoryLedger } from "../../src/ledger/memory.ts";

it("the end of the audit log is remembered of a deployment to so many hosts that it has thousands of events, and found again", async () => {
  const ledger = createMemoryLedger({ states: stateRules });
  await ledger.openDeployment({
    ...{ id: "d-1", project: "shop", environment: "production", kind: "deploy", release: "r-v1", fromRelease: null },
    ...{ state: "queued", who: "ada", why: null, origin: "laptop", commit: "c", ref: null, createdAt: 1 },
  });
  for (let from = 0; from < 2_500; from += 500)
    await ledger.appendEvents(
      "d-1",
      Array.from({ length: 500 }, (_, at) => ({ sequence: from + at + 1, at: 1, kind: "step-done", payload: null })),
    );
  const head = { sequence: 7, hash: "1f0c5a7be2d94c11" };
  await rememberHead(ledger, "d-1", head);
  assert.deepEqual(await rememberedHeads(ledger, "shop", "production"), [{ ...head, deployment: "d-1" }]);
});
