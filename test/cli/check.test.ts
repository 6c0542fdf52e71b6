import assert from "node:assert/strict";
import { createServer } from "node:http";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { stateRules } from "../../src/deploy/states.ts";
import { openLedger } from "../../src/ledger/open.ts";
import type { CheckRunEntry } from "../../src/ledger/types.ts";
import { runProgram } from "../../src/process.ts";
import { startHttpServer } from "../notify/http-server.ts";
import { runMain, type Said } from "./run-main.ts";

describe("shiplock check", () => {
  let root = "";
  let project = "";
  let ledger = "";
  /** A line of the configuration beside the checks. */
  let ignored = "";

  before(() => {
    root = mkdtempSync(join(tmpdir(), "shiplock-check-cli-"));
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  beforeEach(async () => {
    const home = mkdtempSync(join(root, "home-"));
    project = join(home, "project");
    ledger = join(home, "state", "ledger.db");
    ignored = "";
    mkdirSync(project);
    await git("init", "--quiet", "--initial-branch=main");
  });

  async function git(...args: string[]): Promise<string> {
    const identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"];
    const result = await runProgram("git", ["-C", project, ...identity, ...args], { timeoutMs: 20_000 });
    assert.equal(result.exitCode, 0, result.stderr);
    return result.stdout.trim();
  }

  /** Commits a configuration with these checks (what begins with `@` stands beside them), and answers the commit's hash. */
  async function commit(...checks: string[]): Promise<string> {
    const lines = [
      "project: shop",
      "registry: { address: registry.invalid/shop }",
      "images: { web: { context: . } }",
      "services: { web: { image: web, port: 3000, health: /health } }",
      "environments: { staging: { target: { compose: { hosts: [nowhere.invalid] } } } }",
      ignored,
      ...(checks.length === 0
        ? []
        : ["checks:", ...checks.map((line) => (line.startsWith("@") ? line.slice(1) : `  ${line}`))]),
    ];
    writeFileSync(join(project, "shiplock.yml"), lines.join("\n"));
    await git("add", "--all");
    await git("commit", "--quiet", "--allow-empty", "--message", "A commit");
    return git("rev-parse", "HEAD");
  }

  async function shiplock(
    argv: readonly string[],
    env: Record<string, string> = {},
    onOutput: (text: string, interrupt: AbortController) => void = () => undefined,
  ): Promise<Said> {
    const interrupt = new AbortController();
    return runMain({
      ...{ argv, cwd: project, interrupt, onOutput: (text) => onOutput(text, interrupt) },
      env: { PATH: process.env["PATH"], HOME: root, SHIPLOCK_LEDGER: ledger, SHIPLOCK_WHO: "ada", ...env },
    });
  }

  async function recorded(hash: string): Promise<CheckRunEntry[]> {
    const opened = await openLedger({ path: ledger, states: stateRules });
    return opened.checkRuns("shop", hash).finally(() => opened.close());
  }

  test("a secret that was committed stops it, and every build, before anything runs: at file, line and column, and never by its value", async () => {
    const token = `ghp_${"a1B2c3D4e5F6".repeat(3)}`;
    writeFileSync(join(project, "settings.ts"), `export const limit = 3;\nexport const token = "${token}";\n`);
    await commit("test: { process: true, run: touch ran }");
    for (const argv of [["check"], ["build", "staging"], ["build", "--verify"], ["check", "--dirty"]]) {
      const said = await shiplock(argv);
      assert.equal(said.exit, 3, said.stdout + said.stderr);
      assert.match(
        said.stderr,
        /error \[gate\/leaks\] 1 place in settings\.ts looks like a secret: nothing of .+ is checked, built or deployed/,
      );
      assert.match(said.stderr, /^ {2}settings\.ts:2:23 {2}github: GitHub Token, \*\*\*$/m);
      assert.match(said.stderr, /what to do: take it out of the commit, .*leaks\.ignore/);
      assert.ok(!(said.stdout + said.stderr).includes(token.slice(0, 12)));
    }
    const { stdout } = await shiplock(["check", "--json"]);
    assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, "gate/leaks");
  });

  test("the value of a declared secret that was committed is found, and what leaks.ignore names with a reason is let through", async () => {
    const env = { SESSION_KEY: "the-session-key-of-ada" };
    writeFileSync(join(project, ".env.example"), "SESSION_KEY=the-session-key-of-ada\n");
    const check = "test: { process: true, secrets: [SESSION_KEY], run: 'true' }";
    await commit(check);
    const blocked = await shiplock(["check"], env);
    assert.equal(blocked.exit, 3);
    assert.match(
      blocked.stderr,
      /\.env\.example:1:13 {2}declared-secret: the value of the declared secret SESSION_KEY, \*\*\*/,
    );
    ignored = "leaks: { ignore: [{ file: .env.example, rule: declared-secret, reason: for everybody }] }";
    await commit(check);
    const through = await shiplock(["check"], env);
    assert.equal(through.exit, 0, through.stderr);
    assert.match(through.stdout, /secrets no secret is committed, but for 1 place that is let through/);
  });

  test("one combination of a matrix runs alone, on what was handed over: without the needed check and its secret, unless that is of another commit", async () => {
    const checks = [
      'build: { process: true, run: "echo made > made.txt", artifacts: [made.txt], secrets: [TOKEN], cached: false }',
      'test: { process: true, needs: [build], matrix: { DB: [16, 17] }, run: "cat made.txt; echo on $DB" }',
    ];
    const hash = await commit(...checks);
    const folder = join(dirname(project), "handed");
    const built = await shiplock(["check", "build", "--hand-over", folder], { TOKEN: "s3cret-value" });
    assert.equal(built.exit, 0, built.stderr);

    ledger = join(dirname(project), "another machine", "ledger.db");
    const tested = await shiplock(["check", "test (DB=17)", "--handed", folder]);
    assert.equal(tested.exit, 0, tested.stderr);
    assert.match(tested.stdout, /│ made$/m);
    assert.match(tested.stdout, /│ on 17$/m);
    assert.deepEqual(
      (await recorded(hash)).flatMap(({ jobs }) => jobs.map(({ job, result }) => `${job} ${result}`)),
      ["test (DB=17) passed"],
    );

    await commit(...checks, "more: { process: true, run: 'true' }");
    const refused = await shiplock(["check", "test (DB=17)", "--handed", folder]);
    assert.equal(refused.exit, 2, "it needs the secret of the check that has to run here now");
    assert.match(refused.stderr, /what was handed over of build is not taken, and it runs here: it is of [0-9a-f]{7}/);
    assert.match(refused.stderr, /TOKEN/);
  });

  test("runs what is committed, ends with a table, and records who ran what; the secret is in none of it", async () => {
    const hash = await commit(
      'lint: { process: true, run: "echo fine with $TOKEN", secrets: [TOKEN] }',
      'test: { process: true, needs: [lint], matrix: { DB: [16, 17] }, run: "echo $DB" }',
    );
    writeFileSync(join(project, "new.txt"), "not committed");
    const said = await shiplock(["check"], { TOKEN: "s3cret-value" });
    assert.equal(said.exit, 0, said.stdout + said.stderr);
    assert.match(said.stdout, /one file of the working tree differs from this commit and is not checked/);
    assert.match(said.stdout, /^\d\d:\d\d:\d\d lint +│ fine with \*\*\*$/m);
    assert.match(said.stdout, /^check +result +duration/m);
    assert.match(said.stdout, /^test \(DB=17\) +passed +\d/m);
    const [run] = await recorded(hash);
    assert.deepEqual(
      [run?.result, run?.who, run?.source, run?.jobs.map((job) => job.job)],
      ["passed", "ada", "commit", ["lint", "test (DB=16)", "test (DB=17)"]],
    );
    const state = readdirSync(join(ledger, ".."), { recursive: true, encoding: "utf8", withFileTypes: true });
    for (const entry of state.filter((one) => one.isFile()))
      assert.ok(!readFileSync(join(entry.parentPath, entry.name)).includes("s3cret-value"), entry.name);
  });

  test("keeps no secret that a report of a test holds", async () => {
    const report = "<testsuite><testcase name='$TOKEN'><failure message='refused $TOKEN'/></testcase></testsuite>";
    const check = { process: true, secrets: ["TOKEN"], junit: ["out.xml"], run: `echo "${report}" > out.xml` };
    const hash = await commit(`test: ${JSON.stringify(check)}`);
    const said = await shiplock(["check"], { TOKEN: "s3cret-value" });
    assert.match(said.stdout, /1 of 1 test failed/);
    const [run] = await recorded(hash);
    assert.match(JSON.stringify(run?.jobs), /refused \*\*\*/);
    assert.doesNotMatch(JSON.stringify(run), /s3cret/);
  });

  test("ends with 1 when a required check fails, and with 0 when another one does; what depends on it is skipped", async () => {
    await commit(
      'lint: { process: true, run: "exit 2" }',
      'test: { process: true, needs: [lint], run: "true" }',
      'audit: { process: true, required: false, run: "false" }',
    );
    const failed = await shiplock(["check", "--json"]);
    assert.equal(failed.exit, 1);
    const document = JSON.parse(failed.stdout) as {
      result: string;
      checks: { job: string; outcome: string; reasons: string[] }[];
    };
    assert.equal(document.result, "failed");
    assert.deepEqual(
      document.checks.map(({ job, outcome, reasons }) => [job, outcome, reasons[0]]),
      [
        ["lint", "failed", "it ended with exit code 2"],
        ["test", "skipped", "lint did not pass"],
        ["audit", "failed", "it ended with exit code 1"],
      ],
    );
    assert.equal((await shiplock(["check", "audit"])).exit, 0);
  });

  test("pulls a check's image with the login that Docker has on this machine, as a build does", async (t) => {
    const docker = mkdtempSync(join(root, "docker-"));
    const auth = Buffer.from("ada:s3cret-value").toString("base64");
    writeFileSync(join(docker, "config.json"), JSON.stringify({ auths: { "other.invalid": { auth } } }));
    const logins: unknown[] = [];
    // An engine that has no image and says no to every pull.
    const engine = createServer((request, response) => {
      const login = request.headers["x-registry-auth"];
      if (typeof login === "string") logins.push(JSON.parse(Buffer.from(login, "base64url").toString()));
      if (request.url === "/_ping") return response.setHeader("api-version", "1.45").end("OK");
      if (request.method === "GET" && !request.url?.includes("/images/")) return response.end("[]");
      response.writeHead(request.method === "GET" ? 404 : 403).end('{"message":"no"}');
    });
    const socket = join(docker, "engine.sock");
    await new Promise<void>((listening) => engine.listen(socket, listening));
    t.after(() => {
      engine.closeAllConnections();
      engine.close();
    });
    await commit('lint: { image: other.invalid/tools/lint:1, run: "true" }');
    const said = await shiplock(["check"], { DOCKER_HOST: `unix://${socket}`, DOCKER_CONFIG: docker });
    assert.equal(said.exit, 1, said.stderr);
    assert.deepEqual(logins, [{ username: "ada", password: "s3cret-value", serveraddress: "other.invalid" }]);
    assert.doesNotMatch(said.stdout + said.stderr, /s3cret/);
  });

  test("says nothing of checks when what comes after them is interrupted", async () => {
    await commit('lint: { process: true, run: "true" }');
    const said = await shiplock(["build", "staging", "--check"], {}, (text, interrupt) => {
      if (/checks .*passed for commit/.test(text)) interrupt.abort("SIGINT");
    });
    assert.match(said.stdout, /passed for commit/);
    assert.doesNotMatch(said.stderr, /the checks are ended/);
  });

  test("tells each line as an event with --json=stream", async () => {
    await commit('lint: { process: true, run: "echo one; echo two >&2" }');
    const said = await shiplock(["check", "--json=stream"]);
    const events = said.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const lines = events.filter((event) => event["kind"] === "check-line");
    assert.deepEqual(
      new Set(lines.map((event) => `${String(event["stream"])} ${String(event["text"])}`)),
      new Set(["stdout one", "stderr two"]),
    );
    assert.equal(events.at(-1)?.["kind"], "result");
  });

  test("that does not know a check, misses a secret, or has nothing to do says so", async () => {
    await commit('lint: { process: true, secrets: [TOKEN], run: "true" }');
    const unknown = await shiplock(["check", "lnt"]);
    assert.deepEqual(
      [unknown.exit, /\[check\/unknown\].*\n.*did you mean "lint"/.test(unknown.stderr)],
      [2, true],
      unknown.stderr,
    );
    const missing = await shiplock(["check"]);
    assert.deepEqual([missing.exit, /\[secrets\/missing\].*TOKEN/.test(missing.stderr)], [2, true], missing.stderr);
    assert.equal((await shiplock(["check", "--jobs", "none"])).exit, 2);
    await commit();
    const nothing = await shiplock(["check"]);
    assert.deepEqual([nothing.exit, /no checks are configured/.test(nothing.stdout)], [0, true]);
  });

  for (const [signal, exit] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    test(`ends with ${exit} after ${signal}, and what it was is recorded as interrupted`, async () => {
      const hash = await commit('slow: { process: true, run: "echo begun; sleep 100" }');
      const said = await shiplock(["check"], {}, (text, interrupt) => {
        if (/│ begun/.test(text) && !interrupt.signal.aborted) interrupt.abort(signal);
      });
      assert.equal(said.exit, exit, said.stdout);
      assert.match(said.stdout, /^slow +cancelled/m);
      assert.deepEqual(
        (await recorded(hash)).map((run) => run.result),
        ["interrupted"],
      );
    });
  }

  test("lets nothing be built before it has passed for that very content", async () => {
    const hash = await commit('lint: { process: true, run: "test ! -e broken" }');
    const blocked = await shiplock(["build", "staging", "--json"]);
    assert.equal(blocked.exit, 3, blocked.stdout);
    const { error } = JSON.parse(blocked.stdout) as { error: { code: string; remedy: string } };
    assert.equal(error.code, "gate/checks");
    assert.match(error.remedy, new RegExp(`shiplock check --ref ${hash.slice(0, 12)}`));

    assert.equal((await shiplock(["check"])).exit, 0);
    const through = await shiplock(["build", "staging"], { PATH: "/nowhere-with-docker" });
    assert.notEqual(through.exit, 3);
    writeFileSync(join(project, "broken"), "");
    const dirty = await shiplock(["build", "staging", "--dirty"]);
    assert.deepEqual([dirty.exit, /are of other files/.test(dirty.stderr)], [3, true], dirty.stderr);
    const asked = await shiplock(["build", "staging", "--dirty", "--check"]);
    assert.deepEqual([asked.exit, /\[check\/failed\].*lint failed/.test(asked.stderr)], [1, true], asked.stderr);

    await git("rm", "-q", "--ignore-unmatch", "broken");
    rmSync(join(project, "broken"), { force: true });
    await commit('lint: { process: true, run: "test ! -e broken", timeout: 5m }');
    const other = await shiplock(["build", "staging"]);
    assert.equal(other.exit, 3, "another definition is another check");
  });

  test("checks that fail before a build are told; those that somebody runs only to who names the event", async (context) => {
    const server = await startHttpServer(context, (_, response) => response.end());
    const hook = (name: string, more: string): string =>
      `  - { name: ${name}, webhook: { url: "${server.url}/${name}", secret: KEY }${more} }`;
    const hash = await commit(
      'lint: { process: true, run: "echo why; false" }',
      ...["notify:", hook("usual", ""), hook("named", ", events: [check-failed]")].map((line) => `@${line}`),
    );
    const told = (): string[] => server.heard.splice(0).map(({ path, body }) => `${path} ${body}`);
    assert.equal((await shiplock(["check"], { KEY: "k" })).exit, 1);
    const [first, ...others] = told();
    assert.deepEqual(others, []);
    assert.match(first ?? "", new RegExp(`^/named .*did not pass its checks.*"commit":"${hash}".*"outcome":"lint: `));
    assert.equal((await shiplock(["build", "staging", "--check"], { KEY: "k" })).exit, 1);
    const [named, usual] = told().sort();
    assert.match(named ?? "", /^\/named .*"event":"check-failed"/);
    assert.match(usual ?? "", new RegExp(`^/usual .*"environment":"staging".*"commit":"${hash}"`));
    assert.equal((await shiplock(["build", "staging"], { KEY: "k" })).exit, 3);
    assert.match(told().join(), /^\/usual .*"event":"blocked"[^\n]*$/);
  });

  test("a commit that is checked does not choose who is told of it, with which of our secrets", async (context) => {
    const server = await startHttpServer(context, (_, response) => response.end());
    const told = (path: string): string[] => [
      'lint: { process: true, run: "false" }',
      "@notify:",
      `@  - { webhook: { url: "${server.url}/${path}", secret: KEY }, events: [check-failed] }`,
    ];
    await commit(...told("ours"));
    await git("switch", "--quiet", "--create", "feature");
    await commit(...told("elsewhere"));
    await git("switch", "--quiet", "main");
    assert.equal((await shiplock(["check", "--ref", "feature"], { KEY: "k" })).exit, 1);
    assert.deepEqual(
      server.heard.map(({ path }) => path),
      ["/ours"],
    );
  });
});
