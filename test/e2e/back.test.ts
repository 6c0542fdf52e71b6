import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { LiveRelease } from "../../src/environments/record/types.ts";
import type { ReleaseDocument } from "../../src/release/types.ts";
import { labAvailability } from "../lab/availability.ts";
import { askEngine } from "../lab/engine.ts";
import type { LabHost } from "../lab/host.ts";
import type { Lab } from "../lab/lab.ts";
import { assertRefused, changesNothing } from "./support/assertions.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { appsOf, shiplockFolder, variablesOf } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";
import { removeFromRegistry } from "./support/registry.ts";

const availability = labAvailability();

type Reverted = { branch: string; commits: { subject: string }[]; pushed: boolean };

/** The compose file of a version: what a release sets beside its image. */
const compose = (web: string): string => `services:
  web:
    build: .
    ports: ["\${WEB_PORT:-3000}:3000"]
    environment:
      API_TOKEN: \${API_TOKEN}
      GREETING: \${GREETING}
${web}
  caller:
    build: .
`;

describe("the way back", { skip: availability.available ? false : availability.reason }, () => {
  let lab: Lab;
  let host: LabHost;

  before(async () => {
    lab = await startE2eLab({ name: "back", hosts: 1 });
    host = lab.host("host-1");
  });

  after(async () => {
    if (lab !== undefined) await stopE2eLab(lab);
  });

  function projectOf(name: string, port: number): Promise<Project> {
    return createProject(lab, {
      name,
      hosts: { production: ["host-1"] },
      configure: [
        { path: ["environments", "staging", "variables", "WEB_PORT"], value: String(port) },
        { path: ["environments", "production", "variables", "WEB_PORT"], value: String(port + 1) },
      ],
    });
  }

  /** Deploys versions to staging, oldest first. Returns what each was when it was live. */
  async function deploy(app: Project, versions: readonly string[]): Promise<Record<string, LiveRelease>> {
    const live: Record<string, LiveRelease> = {};
    for (const version of versions) {
      await app.commitVersion(version);
      await app.must(["deploy", "staging"]);
      live[version] = liveOf(app);
    }
    return live;
  }

  function liveOf(app: Project): LiveRelease {
    const live = app.state(host)?.live;
    assert.ok(live !== null && live !== undefined, "nothing is live");
    return live;
  }

  async function answers(app: Project, version: string): Promise<void> {
    assert.equal((await app.curl(host)).version, version);
  }

  /** Takes the image of a release off the host and out of the registry, as a prune and a retention rule would. */
  async function forgetImages(app: Project, live: LiveRelease | undefined): Promise<void> {
    const folder = join(shiplockFolder(host), "environments", `${app.name}-staging`, "releases");
    const document = JSON.parse(readFileSync(join(folder, `${live?.document}.json`), "utf8")) as ReleaseDocument;
    for (const { repository, digest } of Object.values(document.release.images)) {
      const removed = await askEngine(host.socketPath, "GET", `/images/${repository}@${digest}/json`);
      const { Id } = JSON.parse(removed.body) as { Id: string };
      const answer = await askEngine(host.socketPath, "DELETE", `/images/${Id}?force=1`);
      assert.equal(answer.status, 200, answer.body);
      await removeFromRegistry(lab, repository.slice(repository.indexOf("/") + 1), digest);
    }
  }

  test("waits for another machine's approval as any deployment does: it goes on once approved, ends with exit 3 when rejected, Ctrl-C cancels it, and what was left waiting is carried out by who approves it", async () => {
    await using app = await projectOf("asked", 8140);
    app.configure([
      { path: ["environments", "staging", "reviewers"], value: ["grace"] },
      { path: ["environments", "staging", "watch"], value: { for: "1s", every: "500ms" } },
    ]);
    await app.commitVersion("v1");
    await using grace = await app.clone({ who: "grace" });
    const waiting = async () => {
      const command = app.start(["deploy", "staging"]);
      await command.waitForOutput(/waiting \(d-/);
      return command;
    };
    const approved = await waiting();
    const given = await grace.must(["approve", "staging"]);
    assert.match(given.stdout, /asked for by ada[^]*which replaces nothing[^]*the command that asked for it goes on/);
    const first = await approved.ended;
    assert.equal(first.code, 0, first.stdout + first.stderr);
    await answers(app, "v1");

    await app.commitVersion("v2");
    const rejected = await waiting();
    assert.match((await grace.must(["status", "staging"])).stdout, /waiting d-.*[^]*its command waits at/);
    await grace.must(["reject", "staging", "--comment", "not on a friday"]);
    const second = await rejected.ended;
    assert.deepEqual([second.code, /rejected by grace: not on a friday/.test(second.stdout)], [3, true], second.stderr);

    const interrupted = await waiting();
    interrupted.kill("SIGINT");
    assert.equal((await interrupted.ended).code, 130);
    const state = app.state(host);
    assert.deepEqual([state?.tickets, state?.deployments[0]?.outcome], [[], "cancelled by ada"]);
    await answers(app, "v1");

    assert.equal((await app.run(["deploy", "staging", "--no-wait"])).code, 3);
    const run = await grace.must(["approve", "staging", "--run"]);
    assert.match(run.stdout, /of ada, .*, whose command is gone, is taken up here[^]*watch of .*: healthy for 1 s/);
    await answers(app, "v2");
    assert.deepEqual([liveOf(app).by, app.state(host)?.deployments[0]?.origin.who], ["ada", "ada"]);
  });

  test("leads to the configuration and the image of the older release together, from another machine too, with today's secrets", async (t) => {
    await using app = await projectOf("whole", 8110);
    const version = async (name: string, greeting: string, web: string): Promise<string> => {
      app.configure([
        { path: ["environments", "staging", "variables", "GREETING"], value: greeting },
        { path: ["environments", "staging", "secrets"], value: ["API_TOKEN"] },
      ]);
      app.write("compose.yml", compose(web));
      const commit = await app.commitVersion(name);
      await app.must(["deploy", "staging"], { env: { API_TOKEN: `token-of-${name}` } });
      return commit;
    };
    const commit = await version("v1", "hello", "      MODE: plain");
    await version("v2", "goodbye", "      MODE: fancy\n      EXTRA: of the newer release");
    await using grace = await app.clone({ who: "grace" });
    const back = await grace.must(["rollback", "staging"], { env: { API_TOKEN: "token-of-today" } });

    await answers(app, "v1");
    const web = (await appsOf(host, "whole-staging")).find(
      ({ service, state }) => service === "web" && state === "running",
    );
    const { API_TOKEN, GREETING, MODE, EXTRA } = await variablesOf(host, web?.id ?? "");
    assert.deepEqual(
      { API_TOKEN, GREETING, MODE, EXTRA },
      {
        API_TOKEN: "token-of-today",
        GREETING: "hello",
        MODE: "plain",
        EXTRA: undefined,
      },
    );
    await t.test("the rollback says that secrets have the values of today", () =>
      assert.match(back.stdout, /API_TOKEN have today's values/),
    );
    assert.equal(liveOf(app).commit, commit);
    assert.equal(app.state(host)?.deployments[0]?.commit, commit);
    assert.equal(app.state(host)?.deployments[0]?.origin.who, "grace");
    assert.match(back.stdout, /automatic deployments are paused until somebody deploys on purpose/);
    assert.match(app.state(host)?.automaticPaused?.reason ?? "", /rolled back from/);

    for (const key of ["name", "email"]) await grace.git(["config", `user.${key}`, "grace@example.com"]);
    const reverted = (await grace.must(["revert", "staging", "--reason", "wrong greeting", "--json"])).json as Reverted;
    assert.deepEqual([reverted.commits.map(({ subject }) => subject), reverted.pushed], [["Release v2"], false]);
    const message = await grace.git(["log", "-1", "--format=%B", reverted.branch]);
    assert.match(message, /^Revert "Release v2"\n\nwrong greeting\n\n[^]*rolled back from [^]*This reverts commit /);
    assert.equal(await grace.git(["diff", reverted.branch, commit]), "", "the branch is not what v1 was");

    await app.must(["deploy", "staging"], { env: { API_TOKEN: "token-of-today" } });
    await answers(app, "v2");
    assert.equal(app.state(host)?.automaticPaused, null);
  });

  test("goes further back each time and never to a release that a rollback left, until that one is deployed on purpose", async () => {
    await using app = await projectOf("further", 8112);
    const live = await deploy(app, ["v1", "v2", "v3"]);
    await app.must(["rollback", "staging"]);
    await answers(app, "v2");
    await app.must(["rollback", "staging"]);
    await answers(app, "v1");
    const refused = await changesNothing(app, host, "v1", () => app.run(["rollback", "staging", "--json"]));
    const error = assertRefused(refused, {
      exit: 3,
      code: "rollback/nowhere",
      says: /staging has no release to go back to/,
      remedy: /deploy a commit that works, or name one of the withdrawn releases with --to/,
    });
    assert.deepEqual(error.details, [`withdrawn here: ${live["v2"]?.release}, ${live["v3"]?.release}`]);

    await app.must(["deploy", "staging", "--release", live["v2"]?.release ?? ""]);
    await answers(app, "v2");
    await app.must(["deploy", "staging", "--ref", "v3"]);
    await app.must(["rollback", "staging"]);
    await answers(app, "v2");
  });

  test("leads to a release by its id, to a tag or to a commit, and to no tag of another environment", async () => {
    await using app = await projectOf("named", 8114);
    const live = await deploy(app, ["v1", "v2", "v3"]);
    const ways = [
      ["v1", live["v1"]?.release],
      ["v2", live["v2"]?.tags["app"]],
      ["v1", live["v1"]?.commit],
      ["v3", live["v3"]?.commit.slice(0, 7)],
    ] as const;
    for (const [version, to = ""] of ways) {
      await app.must(["rollback", "staging", "--to", to]);
      await answers(app, version);
      assert.equal(liveOf(app).release, live[version]?.release);
    }
    await app.must(["promote", "staging", "production"]);
    const tag = app.state(host, "production")?.live?.tags["app"] ?? "";
    assert.match(tag, /^production-/);
    const refused = await changesNothing(app, host, "v3", () =>
      app.run(["rollback", "staging", "--to", tag, "--json"]),
    );
    assertRefused(refused, {
      exit: 2,
      code: "rollback/unknown",
      says: /no release named "production-.*" was ever healthy in staging/,
      remedy: /a tag of another environment does not count here/,
    });
  });

  test("leads to no release whose images are gone: one that is named is refused, and without a name it is passed over", async () => {
    await using app = await projectOf("gone", 8116);
    const live = await deploy(app, ["v1", "v2", "v3"]);
    await forgetImages(app, live["v2"]);
    const refused = await changesNothing(app, host, "v3", () =>
      app.run(["rollback", "staging", "--to", live["v2"]?.release ?? "", "--json"]),
    );
    assertRefused(refused, {
      exit: 3,
      code: "rollback/images-gone",
      says: /the images of .* are neither in the registry nor on the hosts/,
      remedy: /shiplock deploy --ref/,
    });
    await app.must(["rollback", "staging"]);
    await answers(app, "v1");

    // Now it is the only one that could be named.
    await forgetImages(app, live["v3"]);
    const last = await app.run(["rollback", "staging", "--to", live["v3"]?.release ?? "", "--json"]);
    assertRefused(last, {
      exit: 3,
      code: "rollback/images-gone",
      says: /neither in the registry nor/,
      remedy: /--ref/,
    });
  });
});
