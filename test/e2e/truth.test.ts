import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { labAvailability } from "../lab/availability.ts";
import type { LabHost } from "../lab/host.ts";
import type { Lab } from "../lab/lab.ts";
import { assertRefused, changesNothing } from "./support/assertions.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { appsOf } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";

const availability = labAvailability();
const folder = "/home/deploy/.shiplock/environments/switchboard-staging";

describe("what is said of an environment is what is there", {
  skip: availability.available ? false : availability.reason,
}, () => {
  let lab: Lab;
  let host: LabHost;
  let app: Project;
  /** Somebody else's machine, with a clone and no history of its own. */
  let grace: Project;
  /** Ids of the releases of production and staging. */
  let older: string;
  let newer: string;

  before(async () => {
    lab = await startE2eLab({ name: "truth", hosts: 1 });
    host = lab.host("host-1");
    app = await createProject(lab, {
      hosts: { production: ["host-1"] },
      configure: [{ path: ["migrations"], value: { service: "web", command: ["node", "server.mjs", "migrate"] } }],
    });
    await app.must(["deploy", "staging", "--reason", "the first one"]);
    await app.must(["promote", "staging", "production"]);
    await app.git(["checkout", "--quiet", "-b", "feature/tea"]);
    app.configure([
      { path: ["services", "web", "drain"], value: "7s" },
      { path: ["environments", "staging", "secrets"], value: ["API_TOKEN"] },
    ]);
    Object.assign(app.env, { API_TOKEN: "t0ken-that-nobody-may-see" });
    await app.commitVersion("v2");
    await app.must(["deploy", "staging"]);
    grace = await app.clone();
    older = app.state(host, "production")?.live?.release ?? "";
    newer = app.state(host)?.live?.release ?? "";
    assert.notEqual(newer, older);
  });

  after(async () => {
    await grace?.[Symbol.asyncDispose]();
    await app?.[Symbol.asyncDispose]();
    if (lab !== undefined) await stopE2eLab(lab);
  });

  test("status says in one line per environment whose branch is there, since when, and whether it runs", async () => {
    const { stdout } = await grace.must(["status"]);
    const [staging = "", production = "", ...more] = stdout.trim().split("\n");
    const since = "by ada since 20\\d\\d-[-\\d]+T[:.\\d]+Z; runs as recorded$";
    assert.match(staging, new RegExp(`^staging +${newer} feature/tea: Release v2, ${since}`));
    assert.match(production, new RegExp(`^production +${older} main: Release v1, ${since}`));
    assert.deepEqual(more, []);

    const details = await grace.must(["status", "staging"]);
    assert.match(details.stdout, /switchboard-staging-web-b-1 +running .* slot b/);
    assert.match(details.stdout, /switchboard-staging-web-a-1 +exited .* slot a/);
  });

  test("status --json says the same to a machine", async () => {
    const [staging, production] = (await grace.must(["status", "--json"])).json as {
      environment: string;
      state: { live: { release: string; ref: string; commit: string; by: string; at: string } };
      subject: string;
      drift: string[];
      observations: { host: string; drift: string[]; containers: Record<string, unknown>[] }[];
      holder: string | null;
      error: unknown;
    }[];
    const head = (await app.git(["rev-parse", "HEAD"])).trim();
    assert.deepEqual([staging?.environment, production?.environment], ["staging", "production"]);
    const { release, ref, commit, by, at } = staging?.state.live ?? {};
    assert.deepEqual([release, ref, commit, by], [newer, "feature/tea", head, "ada"]);
    assert.ok(Date.now() - Date.parse(at ?? "") < 600_000);
    assert.deepEqual(
      [staging?.subject, staging?.drift, staging?.holder, staging?.error],
      ["Release v2", [], null, null],
    );
    const containers = staging?.observations[0]?.containers ?? [];
    const web = containers.find(({ name }) => name === "switchboard-staging-web-b-1");
    const { imageId, ...seen } = web ?? {};
    assert.match(String(imageId), /^sha256:/);
    assert.deepEqual(seen, {
      ...{ name: "switchboard-staging-web-b-1", service: "web", release: newer, place: "b" },
      ...{ status: "running", health: null, restarts: 0 },
    });
  });

  test("history is the environments' own, newest first, also where nothing was ever deployed from", async () => {
    const rows = (await grace.must(["history", "--json"])).json as Record<string, unknown>[];
    const told = rows.map(({ environment, kind, release, from, state, who, reason, ref }) => [
      ...[environment, kind, release, from],
      ...[state, who, reason, ref],
    ]);
    assert.deepEqual(told, [
      ["staging", "deploy", newer, older, "succeeded", "ada", null, "feature/tea"],
      ["production", "promote", older, null, "succeeded", "ada", null, "main"],
      ["staging", "deploy", older, null, "succeeded", "ada", "the first one", "main"],
    ]);
    for (const { deployment, commit, startedAt, endedAt, outcome } of rows) {
      assert.match(String(deployment), /^d-[0-9a-f]{8}$/);
      assert.match(String(commit), /^[0-9a-f]{40}$/);
      assert.ok(Date.parse(String(startedAt)) < Date.parse(String(endedAt)));
      assert.match(String(outcome), /is live/);
    }
    const { stdout } = await grace.must(["history", "staging", "--limit", "1"]);
    assert.match(stdout, new RegExp(`^20.*staging +deploy +${newer} feature/tea +succeeded +ada\\n$`));
    assert.deepEqual((await grace.must(["history", "--local", "--json"])).json, []);
  });

  test("logs are those of the live containers, or of the services that are named, and -f goes on until Ctrl-C", async () => {
    const all = (await grace.must(["logs", "staging", "--json"])).json as Record<string, string>[];
    assert.deepEqual(
      new Set(all.map(({ container }) => container)),
      new Set(["switchboard-staging-caller-b-1", "switchboard-staging-web-b-1"]),
    );
    assert.deepEqual(Object.keys(all[0] ?? {}), ["host", "container", "service", "line"]);
    const named = await grace.must(["logs", "staging", "caller", "--tail", "1"]);
    assert.match(named.stdout, /^host-1 switchboard-staging-caller-[ab]-1 │ \{.*\n/);
    assert.doesNotMatch(named.stdout, /-web-/);

    const misspelt = await grace.run(["logs", "staging", "webb"]);
    assert.equal(misspelt.code, 2);
    assert.match(misspelt.stderr, /no container of webb\nwhat to do: name one of: caller, .*web/);

    const following = grace.start(["logs", "staging", "web", "--follow"]);
    await following.waitForOutput("listening on 3000");
    const said = await host.exec(
      ["docker", "exec", "switchboard-staging-web-b-1", "sh", "-c", "echo said just now > /proc/1/fd/1"],
      { user: host.sshUser },
    );
    assert.equal(said.code, 0, said.stderr);
    await following.waitForOutput(/host-1 switchboard-staging-web-b-1 │ said just now/);
    following.kill("SIGINT");
    const ended = await following.ended;
    assert.equal(ended.code, 0);
    assert.doesNotMatch(ended.stderr, /interrupted/);
  });

  test("diff says which commits, images, configuration and migration lie between two environments, and what stays each one's own", async () => {
    const { stdout } = await grace.must(["diff", "staging", "production"]);
    const head = (await app.git(["rev-parse", "--short=7", "HEAD"])).trim();
    assert.match(
      stdout,
      new RegExp(
        `^staging: ${newer} +production: ${older}\\ncommits\\n  \\+ ${head} Release v2\\nimages\\n  app: production-.* → staging-feature-tea-`,
      ),
    );
    assert.match(stdout, /\nconfiguration\n(?: {2}.*\n)* {2}~ services\.web\.drainMs: 30000 → 7000\n/);
    assert.match(stdout, new RegExp(`\\nmigration\\n  node server.mjs migrate in web, once for ${newer}\\n`));
    assert.match(
      stdout,
      /\nstays production's own, beside its hosts, strategy and secrets\n(?: {2}.*\n)* {2}services\.web\.routes/,
    );
    assert.doesNotMatch(stdout, /API_TOKEN/);

    const told = (await grace.must(["diff", "staging", "production", "--json"])).json as {
      sections: { heading: string; lines: string[] }[];
      own: string[];
    };
    const { sections, own, ...between } = told;
    assert.deepEqual(between, { left: "staging", right: "production", same: false, promotable: true });
    assert.ok(
      own.some((line) => line.startsWith("services.web.routes")),
      own.join("\n"),
    );
    assert.deepEqual(
      sections.map(({ heading }) => heading),
      ["commits", "images", "configuration", "migration"],
    );
    assert.match(
      (await grace.must(["diff", "staging", "staging"])).stdout,
      /a promotion would change nothing in staging/,
    );
  });

  describe("drift", () => {
    const onHost = async (...argv: string[]): Promise<void> => {
      const result = await host.exec(argv, { user: host.sshUser });
      assert.equal(result.code, 0, result.stderr);
    };
    const compose = ["docker", "compose", "--project-directory", folder, "up", "--detach", "--no-deps"];

    async function drift(): Promise<string[]> {
      const result = await grace.run(["drift", "staging", "--json"]);
      const told = result.json as { environment: string; live: string; drift: { host: string; sentence: string }[] };
      assert.deepEqual([told.environment, told.live], ["staging", newer]);
      assert.equal(result.code, told.drift.length === 0 ? 0 : 1, result.stdout + result.stderr);
      return told.drift.map((found) => `${found.host}: ${found.sentence}`);
    }

    test("finds a container that was stopped by hand, and nothing once it runs again; status says so too", async () => {
      await onHost("docker", "stop", "--time", "1", "switchboard-staging-web-b-1");
      const found = [`host-1: web: 0 of 1 containers of ${newer} run`];
      assert.deepEqual(await drift(), found);
      assert.match(
        (await grace.must(["status"])).stdout,
        /^staging .*; drift\n +drift: host-1: web: 0 of 1 containers/,
      );
      assert.match((await grace.run(["drift", "staging"])).stdout, /^drift host-1: web: 0 of 1 containers of/);
      await onHost("docker", "start", "switchboard-staging-web-b-1");
      assert.deepEqual(await drift(), []);
      assert.match(
        (await grace.must(["drift", "staging"])).stdout,
        /^no drift: staging runs .* as recorded on 1 host\n$/,
      );
    });

    test("finds an image that was replaced by hand", async () => {
      const old = (await appsOf(host, "switchboard-staging")).find(({ name }) => name.endsWith("web-a-1"))?.image;
      await onHost("env", `SHIPLOCK_IMAGE_WEB=${old}`, "API_TOKEN=any", ...compose, "web-b");
      assert.deepEqual(await drift(), [
        `host-1: switchboard-staging-web-b-1 runs ${old}, which is no digest of ${newer}`,
      ]);
      await onHost("env", "API_TOKEN=any", ...compose, "web-b");
      assert.deepEqual(await drift(), []);
    });

    test("finds a replica too many", async () => {
      const scale = (count: number) =>
        onHost("env", "API_TOKEN=any", ...compose, "--no-recreate", "--scale", `web-b=${count}`, "web-b");
      await scale(2);
      assert.deepEqual(await drift(), [`host-1: web: 2 of 1 containers of ${newer} run`]);
      await scale(1);
      assert.deepEqual(await drift(), []);
    });

    test("finds a container of the older release that was started by hand beside the live one", async () => {
      await onHost("docker", "start", "switchboard-staging-caller-a-1");
      assert.deepEqual(await drift(), [
        `host-1: switchboard-staging-caller-a-1 of ${older} runs beside the live release`,
      ]);
      await onHost("docker", "stop", "--time", "1", "switchboard-staging-caller-a-1");
      assert.deepEqual(await drift(), []);
    });
  });

  test("what guard, order and freeze stop ends before anything is built, with what would unblock it, and touches nothing", async () => {
    app.configure([
      { path: ["environments", "staging", "on"], value: { push: "main" } },
      { path: ["environments", "staging", "guard"], value: true },
      { path: ["environments", "production", "after"], value: { staging: "1h" } },
    ]);
    await changesNothing(app, host, "v2", async () => {
      const push = await app.must(["deploy", "staging", "--automatic", "--ref", "main"]);
      assert.match(push.stdout, /^skipped: held by feature\/tea, ada, since 20[^;]* UTC/m);

      assertRefused(await app.run(["deploy", "production", "--ref", "main", "--json"]), {
        ...{ exit: 3, code: "gate/order", says: /ran in staging from .* only; .* is/ },
        remedy: /deploy staging --ref main/,
      });
      app.configure([
        {
          path: ["environments", "production", "freeze"],
          value: [{ from: "2020-01-01", until: "2099-01-01", reason: "fair" }],
        },
      ]);
      assertRefused(await app.run(["promote", "staging", "production", "--json"]), {
        ...{ exit: 3, code: "gate/freeze", says: /until Thu 2099-01-01 00:00 UTC: fair/, remedy: /--override-freeze/ },
      });
    });
    const [last] = app.state(host, "production")?.deployments ?? [];
    assert.deepEqual([last?.state, last?.release, last?.kind], ["blocked", "unbuilt", "promote"]);
  });
});
