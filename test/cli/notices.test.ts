import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test, type TestContext } from "node:test";
import type { CommandContext } from "../../src/cli/context.ts";
import { failureNotice } from "../../src/cli/failure-notice.ts";
import { openNotices } from "../../src/cli/notices.ts";
import { createOutput } from "../../src/cli/output.ts";
import { carryOut } from "../../src/cli/run-deployment.ts";
import type { Config } from "../../src/config/types.ts";
import type { DeploymentPorts } from "../../src/deploy/request.ts";
import { runDeployment } from "../../src/deploy/deployment.ts";
import { stateRules } from "../../src/deploy/states.ts";
import { ShiplockError } from "../../src/errors.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { load, VALID } from "../config/example.ts";
import { type Deployer, secretValue, startDeployer } from "../fakes/deployer.ts";
import { shop } from "../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../fakes/socket-fleet.ts";
import { createWorld } from "../fakes/world.ts";
import { deadUrl, type HttpServer, startHttpServer } from "../notify/http-server.ts";
import { type FakeSlack, startFakeSlack } from "../notify/slack-server.ts";
import { runMain } from "./run-main.ts";

const token = "xoxb-of-the-test";
const key = "signing-key-of-the-test";
const document = shop("v1", { migration: false });

/** A machine that deploys: its history, its environment, and what it said. */
type Machine = { context: CommandContext; said: () => string };

describe("who is told of a deployment", () => {
  let fleet: SocketFleet;
  let folder = "";
  before(async () => {
    fleet = await openSocketFleet();
    folder = await mkdtemp(join(tmpdir(), "shiplock-notices-"));
  });
  after(async () => {
    await fleet.close();
    await rm(folder, { recursive: true, force: true });
  });

  function machine(env: Record<string, string> = {}, ledger = "ledger.db"): Machine {
    let said = "";
    const stream = { write: (text: string) => (said += text) };
    const output = createOutput({ json: false, stdout: stream, stderr: stream, environment: { NO_COLOR: "1" } });
    // As a command does once it has read them.
    output.hide([secretValue]);
    const full = { SHIPLOCK_LEDGER: join(folder, ledger), SLACK_BOT_TOKEN: token, HOOK_KEY: key, ...env };
    const signal = new AbortController().signal;
    return {
      said: () => said,
      context: { options: {}, cwd: folder, env: full, output, signal, commandLine: "shiplock deploy production" },
    };
  }

  function slackConfig(slack: FakeSlack) {
    return configWith(`[{ slack: { channel: "#deploys", token: SLACK_BOT_TOKEN, api: "${slack.api}" } }]`);
  }

  async function deployed(who: Machine, deployer: Deployer, config: Config) {
    const notices = openNotices(who.context, config, "production", { kind: "deploy" });
    const request = deployer.request(document);
    const exit = await carryOut(who.context, deployer.session, (ports) => runDeployment(request, ports), "", notices);
    return { exit, notices };
  }

  /** Tells what a deployer on the fakes told, and waits as long as it takes: what is asked here is not how quick this machine is. */
  async function tellAll({ context }: Machine, { events }: Deployer, config: Config): Promise<void> {
    const notices = openNotices(context, config, "production", { kind: "deploy" });
    for (const event of events) notices.event(event);
    await notices.flush(120_000);
  }

  test("a deployment is one message in Slack, and what was sent is in the ledger", async (context) => {
    const slack = await startFakeSlack(context, { token, channels: { "#deploys": "C1" } });
    const deployer = await startDeployer(createWorld(fleet, [document]));
    await deployer.deploy(document);
    await deployer.close();
    await tellAll(machine({}, "one.db"), deployer, slackConfig(slack));
    const [message, ...others] = slack.messages.filter(({ thread }) => thread === null);
    assert.deepEqual(others, []);
    assert.match(message?.shown ?? "", /deploy of shop to production succeeded\*\nr-v1 is live/);
    assert.match(message?.shown ?? "", /\*commit\*\n[0-9a-f]{7} version v1/);
    assert.match(slack.messages.at(-1)?.shown ?? "", /✓ .*start/);
    const ledger = await openLedger({ path: join(folder, "one.db"), states: stateRules });
    const deliveries = await ledger.notices({ project: "shop", deployment: "d-2", limit: 10 });
    await ledger.close();
    assert.deepEqual(
      deliveries.map(({ event, status, notifier, tries }) => `${event} ${status} ${notifier} ${tries}`).sort(),
      ["started delivered slack 1", "succeeded delivered slack 1"],
    );
  });

  test("one that fails is told with what failed and the lines it wrote, without the values of secrets", async (context) => {
    const server = await startHttpServer(context, (_, response) => response.end());
    const slack = await startFakeSlack(context, { token, channels: { "#deploys": "C1" } });
    const world = createWorld(fleet, [document]);
    world.behaviours.set(document.release.id, { unhealthy: true, prints: `the token is ${secretValue}` });
    const deployer = await startDeployer(world);
    const who = machine({ HOOK_URL: `${server.url}/very-secret-path` }, "failed.db");
    const config = configWith(
      `[{ slack: { channel: "#deploys", token: SLACK_BOT_TOKEN, api: "${slack.api}" }, events: [all] }, { webhook: { urlFrom: HOOK_URL, secret: HOOK_KEY }, events: [failures] }]`,
    );
    await deployer.deploy(document);
    await deployer.close();
    await tellAll(who, deployer, config);
    const [told, ...others] = bodies(server);
    assert.deepEqual(others, [], "the webhook asked for failures");
    assert.equal(told?.["event"], "rolled-back");
    assert.equal(told?.["deployment"], "d-2");
    assert.match(JSON.stringify(told?.["lastLines"]), /^\["/);
    assert.match(slack.messages.map(({ shown }) => shown).join("\n"), /✗ /);
    assert.doesNotMatch(JSON.stringify([slack.messages, server.heard]), new RegExp(secretValue));
    assert.doesNotMatch(who.said(), /very-secret-path|xoxb-of/);
  });

  test("who resumes it in another process goes on with the same message", async (context) => {
    const slack = await startFakeSlack(context, { token, channels: { "#deploys": "C1" } });
    const world = createWorld(fleet, [document]);
    const deployer = await startDeployer(world);
    const config = slackConfig(slack);
    world.onCall = (call) => {
      if (call.name === "engine.startContainer" && call.phase === "before") deployer.cut();
    };
    await deployer.deploy(document).catch(() => null);
    world.onCall = undefined;
    await tellAll(machine({}, "resumed.db"), deployer, config);
    assert.match(slack.messages[0]?.shown ?? "", /was interrupted|has begun/);
    const second = await startDeployer(world);
    await second.resume();
    await second.close();
    await tellAll(machine({}, "resumed.db"), second, config);
    const messages = slack.messages.filter(({ thread }) => thread === null);
    assert.equal(messages.length, 1);
    assert.match(messages[0]?.shown ?? "", /deploy of shop to production succeeded/);
  });

  test("an emergency that has ended is told as one that waits for a review, and by no later deployment again", async (context) => {
    const server = await startHttpServer(context, (_, response) => response.end());
    const deployer = await startDeployer(createWorld(fleet, [document]));
    const config = configWith(`[{ webhook: { url: "${server.url}", secret: HOOK_KEY }, events: [review-due] }]`);
    const who = machine({}, "emergency.db");
    for (const deployment of ["d-2", "d-3"]) {
      const asked = deployer.request(document, { deployment });
      const emergency = deployment === "d-2" ? "the shop is down" : null;
      const request = { ...asked, options: { ...asked.options, emergency } };
      const notices = openNotices(who.context, config, "production", { kind: "deploy" });
      const work = (ports: DeploymentPorts) => runDeployment(request, ports);
      assert.equal(await carryOut(who.context, deployer.session, work, "", notices), 0);
      await notices.flush(120_000);
    }
    await deployer.close();
    assert.deepEqual(
      bodies(server).map(({ event, deployment, who: by, why }) => [event, deployment, by, why]),
      [["review-due", "d-2", "ada", "the shop is down"]],
    );
    assert.match(
      String(bodies(server)[0]?.["outcome"]),
      /waits for a review, due by .*: `shiplock review production d-2/,
    );
  });

  test("an endpoint that never answers holds no deployment up, and is reported once", async (context) => {
    const server = await startHttpServer(context, () => undefined);
    const deployer = await startDeployer(createWorld(fleet, [document]));
    const who = machine({}, "hanging.db");
    const config = configWith(`[{ webhook: { url: "${server.url}", secret: HOOK_KEY }, events: [all] }]`);
    const { exit, notices } = await deployed(who, deployer, config);
    assert.equal(exit, 0);
    assert.match(who.said(), /succeeded: r-v1 is live/, "the deployment ended before anybody was waited for");
    const began = performance.now();
    await notices.flush(200);
    assert.ok(performance.now() - began < 10_000);
    await deployer.close();
    assert.equal(who.said().match(/warning: webhook was not told/g)?.length, 1);
  });

  test("neither a missing secret nor an endpoint that is not there changes how a deployment ends", async () => {
    const deployer = await startDeployer(createWorld(fleet, [document]));
    const who = machine({ SLACK_BOT_TOKEN: "", SHIPLOCK_LEDGER: join(folder, "missing.db") });
    const url = await deadUrl();
    const config = configWith(
      `[{ slack: { channel: "#deploys", token: SLACK_BOT_TOKEN } }, { webhook: { url: "${url}", secret: HOOK_KEY } }]`,
    );
    const { exit, notices } = await deployed(who, deployer, config);
    await notices.flush(500);
    await deployer.close();
    assert.equal(exit, 0);
    assert.match(
      who.said(),
      /warning: slack was not told that .*: the notifier slack needs the secret SLACK_BOT_TOKEN, and it is missing or empty; set it as environment variable of the command\n/,
    );
    assert.equal(who.said().match(/warning: slack was not told/g)?.length, 1);
  });

  test("what ends before a deployment was asked for is told by the stage that failed", () => {
    const failed = (code: string, blame: ShiplockError["blame"] = "failed") =>
      failureNotice(new ShiplockError({ code, blame, message: "it went wrong", details: ["a line"] }), false);
    assert.deepEqual(failed("check/failed"), {
      event: "check-failed",
      outcome: "it went wrong",
      lastLines: ["a line"],
    });
    assert.equal(failed("build/failed")?.event, "build-failed");
    assert.equal(failed("gate/scan", "gate")?.event, "scan-blocked");
    assert.equal(failed("gate/checks", "gate")?.event, "blocked");
    assert.equal(failed("ssh/unreachable")?.event, "failed");
    assert.equal(failed("config/invalid", "usage"), null, "who mistypes sees it");
    const inCi = failureNotice(new ShiplockError({ code: "secrets/missing", blame: "usage", message: "x" }), true);
    assert.equal(inCi?.event, "failed", "in CI nobody sits before it");
  });
});

describe("shiplock notify", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "shiplock-notify-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function shiplock(notify: string | null, env: Record<string, string>, ...argv: string[]) {
    await writeFile(join(folder, "shiplock.yml"), notify === null ? VALID : withNotify(notify));
    return runMain({ argv, cwd: folder, env: { SHIPLOCK_LEDGER: join(folder, "ledger.db"), ...env } });
  }

  async function twoOfThem(context: TestContext) {
    const slack = await startFakeSlack(context, { token, channels: { "#deploys": "C1" } });
    const server = await startHttpServer(context, (_, response) => response.end());
    const notify = `[{ slack: { channel: "#deploys", token: SLACK_BOT_TOKEN, api: "${slack.api}" } }, { name: pager, webhook: { url: "${server.url}", secret: HOOK_KEY }, events: [failures], environments: [production] }]`;
    return { slack, server, notify, env: { SLACK_BOT_TOKEN: token, HOOK_KEY: key } };
  }

  test("test sends a sample to everybody, and says of each whether it arrived and how long it took", async (context) => {
    const { slack, server, notify, env } = await twoOfThem(context);
    const { exit, stdout } = await shiplock(notify, env, "notify", "test");
    assert.equal(exit, 0, stdout);
    assert.match(stdout, /✓ slack +delivered message [\d.]+ in C1 \(\d+ ms\)/);
    assert.match(stdout, /✓ pager +delivered 200 \(\d+ ms\)/);
    assert.match(slack.messages[0]?.shown ?? "", /this is a test of `shiplock notify test`; nothing was deployed/);
    assert.equal(bodies(server)[0]?.["event"], "succeeded");
  });

  test("test of an event in an environment goes to those who would be told, or to the one that is named", async (context) => {
    const { slack, server, notify, env } = await twoOfThem(context);
    await shiplock(notify, env, "notify", "test", "--event", "failed", "--environment", "staging");
    assert.deepEqual([slack.messages.length > 0, server.heard.length], [true, 0]);
    slack.messages.length = 0;
    await shiplock(notify, env, "notify", "test", "--event", "failed", "--environment", "production", "--to", "pager");
    assert.deepEqual([slack.messages.length, server.heard.length], [0, 1]);
    assert.equal(bodies(server)[0]?.["environment"], "production");
    const nobody = await shiplock(notify, env, "notify", "test", "--event", "requested");
    assert.match(nobody.stdout, /nobody is told of requested/);
  });

  test("a token that lies with a provider of secrets is taken from there, and is not said", async (context) => {
    const { slack, notify } = await twoOfThem(context);
    await writeFile(join(folder, "ops.env"), `SLACK_BOT_TOKEN=${token}\nHOOK_KEY=${key}\n`);
    const provided = `${notify}\nsecrets: { providers: [{ dotenv: ops.env }] }`;
    const { exit, stdout, stderr } = await shiplock(provided, {}, "notify", "test", "--json=stream");
    assert.equal(exit, 0, stdout + stderr);
    assert.ok(slack.messages.length > 0);
    assert.doesNotMatch(stdout + stderr, new RegExp(`${token}|${key}`));
  });

  test("test that cannot reach somebody says why and what to do, and ends with exit code 1", async (context) => {
    const { slack, notify, env } = await twoOfThem(context);
    slack.refuse("not_in_channel");
    const { exit, stdout } = await shiplock(notify, env, "notify", "test");
    assert.equal(exit, 1);
    assert.match(stdout, /✗ slack +failed: the Slack app is no member of #deploys \(not_in_channel\)/);
    assert.ok(stdout.indexOf("slack") < stdout.indexOf("pager"), "in the order of the configuration");
    assert.match(stdout, /what to do: invite it there: `\/invite @name-of-the-app`/);
    const { stdout: json } = await shiplock(notify, env, "notify", "test", "--json");
    const { deliveries } = JSON.parse(json) as { deliveries: { notifier: string; status: string }[] };
    assert.deepEqual(deliveries.map(({ notifier, status }) => `${notifier} ${status}`).sort(), [
      "pager delivered",
      "slack failed",
    ]);
  });

  test("log shows what became of what was sent, newest first", async (context) => {
    const { slack, notify, env } = await twoOfThem(context);
    await shiplock(notify, env, "notify", "test", "--to", "slack");
    slack.refuse("is_archived");
    await shiplock(notify, env, "notify", "test", "--to", "slack");
    const { exit, stdout } = await shiplock(notify, env, "notify", "log", "--limit", "2");
    assert.equal(exit, 0);
    const [first, second] = stdout.split("\n");
    assert.match(first ?? "", /^✗ \S+Z slack +succeeded .*is archived/);
    assert.match(second ?? "", /^✓ \S+Z slack +succeeded .*delivered|message/);
  });

  test("what nobody can do is refused with what can be", async (context) => {
    const { notify, env } = await twoOfThem(context);
    for (const [argv, words] of [
      [["notify", "tset"], /"tset" is not what `shiplock notify` does \(did you mean "test"\?\)/],
      [["notify", "test", "--event", "suceeded"], /did you mean "succeeded"/],
      [["notify", "test", "--to", "slak"], /did you mean "slack"/],
      [["notify", "test", "--environment", "prod"], /prod/],
    ] as const) {
      const { exit, stderr } = await shiplock(notify, env, ...argv);
      assert.equal(exit, 2);
      assert.match(stderr, words);
    }
    const nobody = await shiplock(null, env, "notify", "test");
    assert.equal(nobody.exit, 2);
    assert.match(nobody.stderr, /nobody is told of anything: the configuration has no `notify`/);
  });
});

function withNotify(notify: string): string {
  const production = "  production: { target: { compose: { hosts: [deploy@10.0.0.6] } } }\n";
  return `${VALID}${production}notify: ${notify}\n`;
}

function configWith(notify: string): Config {
  return load(withNotify(notify));
}

function bodies(server: HttpServer): Record<string, unknown>[] {
  return server.heard.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
}
