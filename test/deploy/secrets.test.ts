import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { carryOut } from "../../src/cli/run-deployment.ts";
import { createOutput } from "../../src/cli/output.ts";
import { runDeployment } from "../../src/deploy/deployment.ts";
import { type Deployer, registryPassword, secretValue, startDeployer } from "../fakes/deployer.ts";
import { recordReader } from "../fakes/look.ts";
import { shop } from "../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../fakes/socket-fleet.ts";
import { createWorld, type World } from "../fakes/world.ts";

const document = shop("v1");
const wrapped = `wrapped: ${secretValue.slice(0, 7)}\n  ${secretValue.slice(7)}`;
const spilled = `${wrapped}\ncannot log in with ${secretValue} at postgres://shop:${encodeURIComponent(secretValue)}@db, nor pull with ${registryPassword}`;

describe("a release that prints its secrets", () => {
  let fleet: SocketFleet;
  before(async () => {
    fleet = await openSocketFleet();
  });
  after(() => fleet.close());

  /** A world whose release spills everything in its migration, and in its health command, which fails. */
  async function spillingWorld(): Promise<{ world: World; deployer: Deployer }> {
    const world = createWorld(fleet, [document]);
    world.behaviours.set(document.release.id, { prints: spilled });
    return { world, deployer: await startDeployer(world) };
  }

  it("leaves none of them in the journal, in the record, in the result of its migration, or anywhere else on a host's disk", async () => {
    const { world, deployer } = await spillingWorld();
    const outcome = await deployer.deploy(document);
    await deployer.close();
    const reader = recordReader(world);
    const journal = await reader.journal(outcome.deployment);
    const failed = journal.find((entry) => entry.event === "failed");
    const entry = (await reader.read())?.state.deployments[0];
    const migration = await reader.readMigration(document.release.id);
    // Something was said at each of these places, so that nothing is proved by silence.
    for (const said of [failed?.summary, entry?.outcome, migration?.lastLines.join(" ")])
      assert.match(said ?? "", /log in with \*\*\*/);
    for (const host of world.hosts) assert.deepEqual(filesWithSecrets(world, host), []);
  });

  it("leaves none of them in what is told: the outcome, its error, and every event", async () => {
    const { deployer } = await spillingWorld();
    const outcome = await deployer.deploy(document);
    await deployer.close();
    assert.equal(outcome.state, "rolled-back");
    assert.match(outcome.error?.message ?? "", /log in with \*\*\*/);
    assertClean(inspected([outcome, outcome.error?.message, outcome.error?.details]), "the outcome");
    const logged = deployer.events.filter((event) => event.kind === "step" && event.event.kind === "step-log");
    assert.ok(logged.length > 0);
    assertClean(inspected(deployer.events), "the events");
  });

  it("leaves none of them where an interrupted one is taken back, which needs no secret's value", async () => {
    const { world, deployer } = await spillingWorld();
    world.onCall = (call) => {
      if (call.name !== "engine.createContainer" || call.phase !== "after" || !String(call.args[0]).includes("migrate"))
        return;
      world.onCall = (later) => {
        if (later.phase === "before" && later.name === "engine.removeContainer") throw new Error(spilled);
      };
      deployer.cut();
    };
    await deployer.deploy(document).catch(() => null);
    const second = await startDeployer(world);
    const outcome = await second.abort();
    await second.close();
    assert.equal(outcome?.state, "failed");
    assert.match(outcome.error?.details.join() ?? "", /log in with \*\*\*/);
    assertClean(inspected([outcome, outcome.error?.details, second.events]), "what abort told");
    for (const host of world.hosts) assert.deepEqual(filesWithSecrets(world, host), []);
  });

  it("leaves none of them in the ledger, nor in what --json prints", async () => {
    const { deployer } = await spillingWorld();
    const folder = await mkdtemp(join(tmpdir(), "shiplock-secrets-"));
    for (const json of [true, "stream"]) {
      const written: string[] = [];
      const stream = { write: (text: string) => written.push(text) };
      // The output is told of no secret, so what it prints is what the deployment itself says.
      const output = createOutput({ json, stdout: stream, stderr: stream, environment: {} });
      const env = { SHIPLOCK_LEDGER: join(folder, "ledger.db") };
      const context = { options: {}, cwd: folder, env, output, signal: new AbortController().signal, commandLine: "" };
      const request = deployer.request(document, { deployment: `d-${String(json)}` });
      const exit = await carryOut(context, deployer.session, (ports) => runDeployment(request, ports), "", {
        event: () => undefined,
        reviews: async () => undefined,
      });
      assert.equal(exit, 1);
      assert.match(written.join(""), /log in with \*\*\*/);
      assertClean(written.join(""), `--json=${String(json)}`);
    }
    await deployer.close();
    const stored = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), "latin1")));
    assert.match(stored.join(""), /log in with \*\*\*/);
    assertClean(stored.join(""), "the ledger");
    await rm(folder, { recursive: true });
  });
});

function filesWithSecrets(world: World, host: string): string[] {
  const files = [...world.fake.machine(host).disk].filter(([, node]) => node.kind === "file");
  return files.flatMap(([path, node]) =>
    isClean(Buffer.from(node.kind === "file" ? node.data : []).toString("utf8")) ? [] : [path],
  );
}

function inspected(value: unknown): string {
  return JSON.stringify(value);
}

function isClean(text: string): boolean {
  return ![secretValue, secretValue.slice(0, 7), encodeURIComponent(secretValue), registryPassword].some((value) =>
    text.includes(value),
  );
}

function assertClean(text: string, what: string): void {
  assert.ok(isClean(text), `${what} holds a secret: ${text}`);
}
