import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { rememberHead } from "../../src/cli/audit-memory.ts";
import { createOutput } from "../../src/cli/output.ts";
import { recordHistory } from "../../src/cli/record-history.ts";
import { stateRules } from "../../src/deploy/states.ts";
import { ShiplockError } from "../../src/errors.ts";
import type { FakeCall } from "../../src/hosts/fake.ts";
import { createMemoryLedger } from "../../src/ledger/memory.ts";
import type { DeploymentEntry } from "../../src/ledger/types.ts";
import { createMasker } from "../../src/secrets/mask.ts";
import { type Deployer, secretValue, startDeployer } from "../fakes/deployer.ts";
import { recordOf } from "../fakes/look.ts";
import { shop } from "../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../fakes/socket-fleet.ts";
import { createWorld, restore, save, type World } from "../fakes/world.ts";

const document = shop("v1", { migration: false });
const silent = createOutput({
  json: true,
  stdout: { write: () => true },
  stderr: { write: () => true },
  environment: {},
});

/** The ledger of one machine, told everything that a deployer told. */
async function heardFrom(deployer: Deployer): Promise<DeploymentEntry | null> {
  const ledger = createMemoryLedger({ states: stateRules });
  const history = recordHistory(ledger, silent, (text) => text);
  for (const event of deployer.events) history.tell(event);
  await history.flush();
  return ledger.findDeployment("d-2");
}

describe("what the ledger hears of a deployment", () => {
  let fleet: SocketFleet;
  before(async () => {
    fleet = await openSocketFleet();
  });
  after(() => fleet.close());

  /** Deploys, with the connections cut at one of the calls that keep the record. */
  async function cutAt(world: World, count: number, act: (deployer: Deployer) => Promise<unknown>) {
    const deployer = await startDeployer(world);
    let seen = 0;
    world.onCall = (call) => {
      if (!keepsRecord(call)) return;
      seen += 1;
      if (seen === count) deployer.cut();
    };
    const error = await act(deployer).then(
      () => null,
      (reason: unknown) => reason,
    );
    world.onCall = undefined;
    await deployer.close();
    return { entry: await heardFrom(deployer), error, reached: seen >= count };
  }

  it("it never believes that a deployment still runs whose connection was lost while it was recorded, and has the reason", async () => {
    const ends = new Map<string, number>();
    for (let count = 1; ; count += 1) {
      const world = createWorld(fleet, [document]);
      const { entry, reached } = await cutAt(world, count, (deployer) => deployer.deploy(document));
      if (!reached) break;
      const open = (await recordOf(world))?.state.operation ?? null;
      if (entry === null) assert.equal(open, null, `call ${count}: recorded, but not in the ledger`);
      else {
        ends.set(entry.state, (ends.get(entry.state) ?? 0) + 1);
        assert.notEqual(entry.outcome, null, `call ${count}`);
        // What the record holds open, `resume` or `abort` ends; only what it does not hold is over.
        if (open !== null) assert.equal(entry.state, "interrupted", `call ${count}: ${String(entry.outcome)}`);
      }
    }
    assert.ok((ends.get("interrupted") ?? 0) > 5 && (ends.get("cancelled") ?? 0) > 0, JSON.stringify([...ends]));
    assert.deepEqual(
      [...ends.keys()].filter((state) => !["interrupted", "rolled-back", "succeeded", "cancelled"].includes(state)),
      [],
    );
  });

  it("so it is for one that is resumed or aborted", async () => {
    const first = createWorld(fleet, [document]);
    const killed = await startDeployer(first);
    first.onCall = (call) => {
      if (call.name === "engine.startContainer" && call.host === "two") killed.cut();
    };
    await killed.deploy(document).catch((error: unknown) => assert.ok(error instanceof ShiplockError));
    await killed.close();
    first.onCall = undefined;
    assert.notEqual((await recordOf(first))?.state.operation ?? null, null);
    for (const way of ["resume", "abort"] as const) {
      for (let count = 1; ; count += 1) {
        const world = restore(fleet, [document], save(first));
        const { entry, reached } = await cutAt(world, count, (deployer) => deployer[way]());
        if (!reached) break;
        if ((await recordOf(world))?.state.operation !== null && entry !== null)
          assert.equal(entry.state, "interrupted", `${way}, call ${count}`);
      }
    }
  });

  it("it has what the gates answered before anything was built", async () => {
    const world = createWorld(fleet, [document]);
    const deployer = await startDeployer(world);
    await deployer.deploy(document);
    await deployer.close();
    const ledger = createMemoryLedger({ states: stateRules });
    const passed = { definitions: "d1", passed: ["lint"], at: "2026-11-20T10:00:00.000Z" };
    const answer = { at: 1, gate: "checks", answer: "pass", reason: "lint passed", payload: passed } as const;
    const history = recordHistory(ledger, silent, (text) => text, [answer]);
    for (const event of deployer.events) history.tell(event);
    await history.flush();
    assert.deepEqual(await ledger.gateAnswers("d-2"), [answer]);
  });

  it("it hears of the watch after the end of the audit log was kept with the deployment", async () => {
    const world = createWorld(fleet, [document]);
    const deployer = await startDeployer(world);
    await deployer.deploy(document);
    await deployer.close();
    const ledger = createMemoryLedger({ states: stateRules });
    let warned = "";
    const stderr = { write: (text: string) => ((warned += text), true) };
    const output = createOutput({ json: true, stdout: stderr, stderr, environment: {} });
    const history = recordHistory(ledger, output, (text) => text);
    for (const event of deployer.events) history.tell(event);
    await history.flush();
    const head = { sequence: 7, hash: "a".repeat(64) };
    await rememberHead(ledger, "d-2", head);
    const about = { kind: "watch", deployment: "d-2", release: document.release.id } as const;
    history.tell({ ...about, news: { kind: "began", until: "2026-11-20T10:10:00.000Z" } });
    await history.flush();
    await rememberHead(ledger, "d-2", { ...head, sequence: 8 });
    history.tell({ ...about, news: { kind: "ended", end: { how: "healthy", said: "healthy for 10 s" } } });
    await history.flush();
    assert.equal(warned, "");
    const kinds = (await ledger.events("d-2", 0)).map(({ kind }) => kind);
    assert.deepEqual(kinds.slice(-4), ["audit-head", "watch-began", "audit-head", "watch-ended"]);
  });

  it("it is given no secret, whoever tells the event", async () => {
    const world = createWorld(fleet, [document]);
    const deployer = await startDeployer(world);
    await deployer.deploy(document);
    await deployer.close();
    const ledger = createMemoryLedger({ states: stateRules });
    const history = recordHistory(ledger, silent, createMasker([secretValue]));
    for (const event of deployer.events) {
      if (event.kind !== "step") history.tell(event);
      else
        history.tell({
          kind: "step",
          event: { ...event.event, text: secretValue, evidence: { acted: true, summary: `with ${secretValue}` } },
        });
    }
    await history.flush();
    const events = await ledger.events("d-2", 0);
    assert.match(JSON.stringify(events), /with \*\*\*/);
    assert.ok(!JSON.stringify(events).includes(secretValue));
  });
});

function keepsRecord(call: FakeCall): boolean {
  const path = call.name === "files.symlinkAtomic" ? call.args[1] : call.args[0];
  return (
    call.name.startsWith("files.") &&
    call.name !== "files.append" &&
    /\/(record|operations|releases)\b/.test(String(path))
  );
}
