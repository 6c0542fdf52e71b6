import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { requestLines } from "../../src/cli/request-lines.ts";
import { createOutput } from "../../src/cli/output.ts";
import { stateRules } from "../../src/deploy/states.ts";
import { withDueReview } from "../../src/environments/emergency/reviews.ts";
import { withTicket } from "../../src/environments/queue/changes.ts";
import type { NewTicket } from "../../src/environments/queue/types.ts";
import { changeRequests } from "../../src/environments/record/change-state.ts";
import type { EnvironmentState } from "../../src/environments/record/types.ts";
import { createLocalFiles } from "../../src/hosts/local-files.ts";
import { openLedger } from "../../src/ledger/open.ts";
import type { Ledger } from "../../src/ledger/types.ts";
import { subjectOf } from "../../src/release/snapshot.ts";
import { folderRecord } from "../../src/targets/folder-record.ts";
import { shop } from "../fakes/shop.ts";
import { deadUrl, startHttpServer } from "../notify/http-server.ts";
import { deployment as recorded } from "../ledger/samples.ts";
import { runMain, type Said } from "./run-main.ts";

const configuration = `
project: shop
registry: { address: registry.invalid/shop }
images: { web: { context: . } }
services: { web: { image: web, port: 3000, health: /health } }
teams: { ops: [grace, linus] }
environments:
  production:
    target: { compose: { hosts: [{ local: true, name: here }, { ssh: nowhere.invalid, name: down }] } }
    reviewers: { teams: [ops], count: 2 }
    secrets: [API_TOKEN]
`;
const planted = "tok-4711-planted-0815";

/** An environment whose home is this machine, without an engine, and whose other host is down. */
function openHome(configured = configuration) {
  const root = mkdtempSync(join(tmpdir(), "shiplock-requests-"));
  const project = join(root, "project");
  mkdirSync(project);
  writeFileSync(join(project, "shiplock.yml"), configured);
  const files = createLocalFiles("here", root, () => undefined);
  const record = folderRecord(files, join(root, ".shiplock", "environments", "shop-production"));
  const whose = { project: "shop", environment: "production" };

  async function shiplock(who: string, ...argv: string[]): Promise<Said> {
    return runMain({
      ...{ argv, cwd: project },
      env: {
        ...{ PATH: process.env["PATH"], HOME: root, SHIPLOCK_LEDGER: join(root, "ledger.db"), SHIPLOCK_WHO: who },
        API_TOKEN: planted,
        DOCKER_HOST: `unix://${join(root, "no-engine.sock")}`,
        // Whoever is set up for the whole machine is nobody here.
        GIT_CONFIG_NOSYSTEM: "1",
      },
    });
  }

  return {
    record,
    ledger: join(root, "ledger.db"),
    shiplock,
    state: async () => (await record.read())?.state,
    write: (change: (state: EnvironmentState) => EnvironmentState) => changeRequests(record, whose, change),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

const document = shop("v2");

function ticket(deployment: string, more: Partial<NewTicket> = {}): NewTicket {
  const { release } = document;
  return {
    ...{
      deployment,
      kind: "deploy",
      trigger: "manual",
      state: "waiting",
      release: release.id,
      document: document.name,
    },
    ...{ subject: subjectOf(document), commit: release.commit, commitTime: release.commitTime },
    ref: { kind: "branch", name: "main" },
    origin: { who: "ada", from: "ada's laptop", command: "shiplock deploy", reason: "the new checkout" },
    requesters: [{ name: "ada", aliases: [], source: "local" }],
    createdAt: "2026-11-20T10:00:00.000Z",
    expiresAt: "2126-11-20T10:00:00.000Z",
    options: { confirmed: null, emergency: null, overrideFreeze: null, takeOver: false, skip: [] },
    waiting: [{ gate: "reviewers", reason: "needs 2 approvals", until: null }],
    approvals: [],
    ...more,
  };
}

describe("holds and answers from the command line, while a host that is not the home is down", () => {
  let home: ReturnType<typeof openHome>;
  before(() => {
    home = openHome();
  });
  after(() => home.remove());

  async function ask(...deployments: string[]): Promise<void> {
    await home.record.writeRelease(document.name, JSON.stringify(document));
    for (const deployment of deployments)
      await home.write((state) => withTicket(state, ticket(deployment), "2026-11-20T10:00:00.000Z"));
  }

  it("a request that somebody ends whose command is gone has ended in the history as well", async () => {
    await ask("d-gone");
    const history = (): Promise<Ledger> => openLedger({ path: home.ledger, states: stateRules });
    const asking = await history();
    const about = { environment: "production", commit: document.release.commit, release: document.release.id };
    await asking.openDeployment(recorded("d-gone", { ...about, state: "waiting" }));
    await asking.close();
    assert.equal((await home.shiplock("grace", "cancel", "production", "d-gone")).exit, 0);
    const looking = await history();
    const entry = await looking.findDeployment("d-gone");
    await looking.close();
    assert.equal(entry?.state, "cancelled");
    assert.match(entry?.outcome ?? "", /cancelled by grace/);
  });

  it("a hold works where nothing was ever deployed, stops others, is taken over with a word, and is lifted", async () => {
    const held = await home.shiplock("ada", "hold", "production", "--reason", "a demo", "--for", "2d");
    assert.equal(held.exit, 0, held.stderr);
    assert.match(held.stdout, /production is held by ada since .* until .*: a demo/);
    const other = await home.shiplock("grace", "hold", "production", "--reason", "mine now");
    assert.equal(other.exit, 3);
    assert.match(other.stderr, /hold\/held.*held by ada[^]*talk to ada, or pass `--take-over`/);
    const taken = await home.shiplock("grace", "hold", "production", "--reason", "mine now", "--take-over");
    assert.match(taken.stdout, /held by grace since .* until it is lifted, taken over from ada: mine now/);
    assert.equal((await home.shiplock("ada", "unhold", "production")).exit, 3);
    assert.match(
      (await home.shiplock("grace", "unhold", "production")).stdout,
      /production is free; it was held by grace/,
    );
    assert.match((await home.shiplock("grace", "unhold", "production")).stdout, /nobody holds production/);
  });

  it("a secret that somebody types into a reason or a comment does not get into the record", async () => {
    await ask("d-typed");
    const held = await home.shiplock("ada", "hold", "production", "--reason", `for ${planted}`);
    const given = await home.shiplock("grace", "approve", "production", "d-typed", "--comment", `with ${planted}`);
    const refused = await home.shiplock("linus", "reject", "production", "d-typed", "--comment", `since ${planted}`);
    assert.deepEqual([held.exit, given.exit, refused.exit], [0, 0, 0], held.stderr + given.stderr + refused.stderr);
    const state = await home.state();
    assert.match(state?.hold?.reason ?? "", /^for ./);
    assert.doesNotMatch(JSON.stringify(state), new RegExp(planted));
    assert.equal((await home.shiplock("ada", "unhold", "production")).exit, 0);
  });

  it("whoever CI names with nothing is the operating system's user, not a person without a name", async () => {
    const held = await home.shiplock("", "hold", "production", "--reason", "a demo");
    assert.match(held.stdout, new RegExp(`is held by ${userInfo().username} `));
    assert.equal((await home.shiplock(" ", "unhold", "production")).exit, 0);
  });

  it("a hold without a reason, or for no time, is refused before anything is asked", async () => {
    for (const nothing of [[], ["--reason", " "]])
      assert.match((await home.shiplock("ada", "hold", "production", ...nothing)).stderr, /cli\/reason-missing/);
    const wrong = await home.shiplock("ada", "hold", "production", "--reason", "x", "--for", "soon");
    assert.deepEqual([wrong.exit, /cli\/not-a-duration/.test(wrong.stderr)], [2, true]);
  });

  it("an approval shows what is approved and what it replaces, says what still waits, and who goes on", async () => {
    await ask("d-1");
    const first = await home.shiplock("grace", "approve", "production", "--comment", "tried it");
    assert.equal(first.exit, 0, first.stderr);
    const { web } = document.release.images;
    for (const said of [
      "d-1, asked for by ada from ada's laptop",
      "the new checkout",
      `${document.release.id}, which replaces nothing`,
      document.release.commit,
      `web ${web?.digest}`,
      "approved by grace",
      "1 more of team ops has to approve",
      "it does not begin yet",
    ])
      assert.ok(first.stdout.includes(said), `${said} is missing in:\n${first.stdout}`);
    assert.doesNotMatch(first.stdout, /waits for reviewers/);
    const second = await home.shiplock("linus", "approve", "production", "d-1", "--json");
    const result = JSON.parse(second.stdout) as { state: string; subject: string; gone: boolean };
    assert.deepEqual([result.state, result.subject, result.gone], ["queued", subjectOf(document), true]);
    assert.equal((await home.state())?.tickets[0]?.state, "queued");
  });

  it("who may not approve is told who may; who asked for it may not", async () => {
    const stranger = await home.shiplock("mallory", "approve", "production", "d-1");
    assert.deepEqual(
      [stranger.exit, /approve\/no-reviewer[^]*ask one of: team ops \(.*grace/.test(stranger.stderr)],
      [3, true],
    );
    assert.match((await home.shiplock("grace", "approve", "production", "d-1")).stderr, /approve\/twice/);
  });

  it("without a name the only one is meant, otherwise they are listed; a rejection and a cancellation end it", async () => {
    await ask("d-2", "d-3");
    const several = await home.shiplock("grace", "reject", "production", "--comment", "no");
    assert.deepEqual(
      [several.exit, /2 requests are waiting for an approval[^]*d-2: [^]*d-3: /.test(several.stderr)],
      [2, true],
    );
    assert.match((await home.shiplock("grace", "reject", "production", "d-2")).stderr, /cli\/comment-missing/);
    assert.equal((await home.shiplock("grace", "reject", "production", "d-2", "--comment", "too late")).exit, 0);
    assert.equal((await home.shiplock("mallory", "cancel", "production", "d-3")).exit, 0);
    const state = await home.state();
    assert.deepEqual(
      state?.deployments.slice(0, 2).map((entry) => [entry.deployment, entry.outcome]),
      [
        ["d-3", "cancelled by mallory"],
        ["d-2", "rejected by grace: too late"],
      ],
    );
    const again = await home.shiplock("grace", "approve", "production", "d-2");
    assert.deepEqual([again.exit, /request\/over.*rejected by grace: too late/.test(again.stderr)], [2, true]);
  });

  it("a request whose command still waits is left to it by resume", async () => {
    await home.record.seen(["d-1"]);
    const all = await home.shiplock("grace", "resume", "production");
    assert.deepEqual([all.exit, /d-1 is left to its command, which waits at ada's laptop/.test(all.stdout)], [0, true]);
    const named = await home.shiplock("grace", "resume", "production", "d-1");
    assert.deepEqual([named.exit, /resume\/attended/.test(named.stderr)], [3, true]);
    // Whoever is worked on stands in front, and leaves out other hosts than the one whose command is gone.
    const options = { confirmed: null, emergency: null, overrideFreeze: null, takeOver: false, skip: ["down"] };
    await home.write((state) => withTicket(state, ticket("d-left", { options }), "2026-11-20T10:00:00.000Z"));
    const left = await home.shiplock("ada", "resume", "production");
    assert.doesNotMatch(left.stdout, /nothing to do/);
    assert.notEqual(left.exit, 0, "nobody tried to carry d-left out");
  });

  it("status tells the hold, each request with what it waits for, who has approved, and whether its command still waits", async () => {
    const state = await home.state();
    assert.ok(state);
    const { paint } = createOutput({
      json: false,
      stdout: { write: () => true },
      stderr: { write: () => true },
      environment: {},
    });
    const hold = {
      by: ticket("d").requesters[0] as NewTicket["requesters"][number],
      since: "s",
      until: null,
      reason: "demo",
      takenFrom: null,
    };
    const reviewers = { people: ["grace", "linus"], named: ["team ops"], count: 3, selfReview: false, validMs: 1e12 };
    const changed = {
      ...state,
      hold,
      tickets: state.tickets.map((each) => ({
        ...each,
        approvals: [
          ...each.approvals,
          ...each.approvals.slice(0, 1).map((one) => ({ ...one, subject: "sha256:other" })),
        ],
      })),
    };
    const lines = requestLines({ state: changed, gone: new Set(["d-1"]), reviewers, now: new Date() }, paint).join(
      "\n",
    );
    for (const said of [
      /^held by ada since s until it is lifted: demo/m,
      /queued d-1: deploy of r-v2 main, asked for by ada/,
      /approved by grace .*: tried it/,
      /what grace approved .* was something else/,
      /1 more of team ops has to approve: `shiplock approve production d-1`/,
      /its command is gone: `shiplock resume production d-1` carries it out( once it waits for nothing any more)?; it ends 2126/,
    ])
      assert.match(lines, said);
  });
});

describe("who is told of holds and answers", () => {
  it("a hold, whose it was, an approval, and the end of a request whose own command is gone to tell it", async (context) => {
    const server = await startHttpServer(context, (_, response) => response.end());
    const home = openHome(
      `${configuration}notify: [{ webhook: { url: "${server.url}", secret: HOME }, events: [all] }]\n`,
    );
    context.after(() => home.remove());
    await home.record.writeRelease(document.name, JSON.stringify(document));
    for (const deployment of ["d-1", "d-2", "d-3", "d-4"])
      await home.write((state) => withTicket(state, ticket(deployment), "2026-11-20T10:00:00.000Z"));
    await home.record.seen(["d-4"]);
    for (const [who, ...argv] of [
      ["ada", "hold", "production", "--reason", "a demo"],
      ["grace", "hold", "production", "--reason", "mine now", "--take-over"],
      ["ada", "unhold", "production", "--take-over"],
      ["ada", "unhold", "production"],
      ["grace", "approve", "production", "d-1", "--comment", "tried it"],
      ["linus", "approve", "production", "d-1"],
      ["grace", "reject", "production", "d-2", "--comment", "too late"],
      ["bob", "cancel", "production", "d-3"],
      ["bob", "cancel", "production", "d-4"],
    ] as const)
      assert.equal((await home.shiplock(who, ...argv)).exit, 0, argv.join(" "));
    const told = server.heard.map(({ body }) => JSON.parse(body) as Record<string, string>);
    assert.deepEqual(
      told.map(({ event, deployment, who, outcome }) => [
        event,
        deployment,
        who,
        (outcome ?? "").replace(/since \S+/, ""),
      ]),
      [
        ["hold-placed", null, "ada", "held by ada  until it is lifted: a demo"],
        ["taken-over", null, "grace", "held by grace  until it is lifted, taken over from ada: mine now"],
        ["hold-placed", null, "grace", "held by grace  until it is lifted, taken over from ada: mine now"],
        ["taken-over", null, "ada", "it was held by grace  until it is lifted, taken over from ada: mine now"],
        ["hold-lifted", null, "ada", "it was held by grace  until it is lifted, taken over from ada: mine now"],
        ["approved", "d-1", "ada", "approved by grace (tried it); 1 more approval is needed"],
        ["approved", "d-1", "ada", "approved by linus; it may begin"],
        ["rejected", "d-2", "ada", "rejected by grace: too late"],
        ["cancelled", "d-3", "ada", "cancelled by bob"],
      ],
    );
    assert.equal(told[5]?.["text"], "deploy of shop to production was approved");
    assert.equal(told[5]?.["subject"], document.release.subject);
  });

  it("an emergency whose review is overdue, once, by whichever command looks first", async (context) => {
    const server = await startHttpServer(context, (_, response) => response.end());
    const home = openHome(`${configuration}notify: [{ webhook: { url: "${server.url}", secret: HOME } }]\n`);
    context.after(() => home.remove());
    await home.write((state) =>
      withDueReview(state, {
        ...{ deployment: "d-9", release: "r-v9", by: { name: "ada", aliases: [], source: "local" }, reviewed: null },
        ...{ reason: "the shop is down", passed: [], at: "2020-11-20", dueBy: "2020-11-21", told: "due" },
      }),
    );
    for (const who of ["ada", "grace"]) await home.shiplock(who, "unhold", "production");
    const told = server.heard.map(({ body }) => JSON.parse(body) as Record<string, string>);
    assert.deepEqual(
      told.map(({ event, deployment, who, why }) => [event, deployment, who, why]),
      [["review-due", "d-9", "ada", "the shop is down"]],
    );
    assert.match(
      told[0]?.["outcome"] ?? "",
      /waits for a review, overdue since 2020-11-21: `shiplock review production/,
    );
  });

  it("somebody who cannot be told changes nothing of the command but a warning", async () => {
    const url = await deadUrl();
    const home = openHome(`${configuration}notify: [{ webhook: { url: "${url}", secret: NOT_SET }, events: [all] }]\n`);
    const held = await home.shiplock("ada", "hold", "production", "--reason", "a demo");
    home.remove();
    assert.deepEqual([held.exit, held.stderr.match(/warning: webhook was not told/g)?.length], [0, 1], held.stderr);
  });
});

describe("requests that ended without having begun", () => {
  it("stand in the history, each with how it ended and why", async () => {
    const home = openHome(configuration.replace(/, \{ ssh: .*? \}/, ""));
    try {
      const at = "2026-11-20T10:00:00.000Z";
      const commits = { commitTime: "2026-11-20T09:00:00Z", trigger: "automatic" as const };
      for (const [deployment, more] of [
        ["d-1", {}],
        ["d-2", commits],
        ["d-3", { ...commits, commitTime: "2026-11-20T09:30:00Z" }],
      ] as const)
        await home.write((state) => withTicket(state, ticket(deployment, more), at));
      await home.shiplock("grace", "reject", "production", "d-1", "--comment", "too late");
      await home.shiplock("bob", "cancel", "production", "d-3");
      const { exit, stdout, stderr } = await home.shiplock("ada", "history", "production");
      assert.equal(exit, 0, stderr);
      assert.match(stdout, /cancelled {2}ada[^]*cancelled by bob/);
      assert.match(stdout, /rejected {2}ada[^]*rejected by grace: too late/);
      assert.match(stdout, /superseded {2}ada[^]*superseded by d-3/);
    } finally {
      home.remove();
    }
  });
});
