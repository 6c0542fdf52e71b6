import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { systemClock, waitFor } from "../../../src/clock.ts";
import { ShiplockError } from "../../../src/errors.ts";
import { grypeScanner } from "../../../src/release/scan/grype.ts";
import { trivyScanner } from "../../../src/release/scan/trivy.ts";
import type { Scanned, ScanTarget } from "../../../src/release/scan/types.ts";
import { reportText } from "./reports.ts";
import { standInScanner } from "./scanners.ts";

const local: ScanTarget = { from: "engine", reference: "registry.example.com/shop/web:t" };
const login = { address: "registry.example.com:5000/shop", username: "ada", password: "s3cret-of-the-registry" };
const remote: ScanTarget = {
  from: "registry",
  reference: `registry.example.com:5000/shop/web@sha256:${"1".repeat(64)}`,
  platform: "linux/arm64",
  login,
  insecure: true,
};

/** Prints a report, and writes down how it was called. */
const printing = (name: string) => `
  import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
  import { join } from "node:path";
  const config = process.env.DOCKER_CONFIG;
  const seen = {
    args: process.argv.slice(2),
    env: process.env,
    files: readdirSync("."),
    docker: config && config.includes("-scan-") ? JSON.parse(readFileSync(join(config, "config.json"), "utf8")) : null,
    mode: config && config.includes("-scan-") ? statSync(config).mode & 0o777 : null,
  };
  writeFileSync(join(folder, "seen.json"), JSON.stringify(seen));
  process.stdout.write(${JSON.stringify(reportText(name))});`;

async function scanWith(
  context: TestContext,
  script: string,
  options: {
    name?: "trivy" | "grype";
    target?: ScanTarget;
    timeoutMs?: number;
    signal?: AbortSignal;
    env?: object;
  } = {},
) {
  const { name = "trivy", target = local, timeoutMs = 20_000, signal = new AbortController().signal } = options;
  const standIn = await standInScanner(name, script);
  context.after(() => standIn.remove());
  const make = name === "trivy" ? trivyScanner : grypeScanner;
  const scanner = make({ env: { ...standIn.env, ...options.env }, withhold: ["DATABASE_PASSWORD"] });
  const outcome: Scanned | ShiplockError = await scanner.scan(target, { timeoutMs, signal }).catch((error: unknown) => {
    assert.ok(error instanceof ShiplockError);
    return error;
  });
  const seen = async () => JSON.parse(await readFile(join(standIn.folder, "seen.json"), "utf8"));
  return { outcome, seen, standIn };
}

/** Whether a process is there and has not ended; one that nobody has collected yet has. */
async function runs(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return /\) [^ZX ] /.test(text);
}

function refused(outcome: unknown, code: string): ShiplockError {
  assert.ok(outcome instanceof ShiplockError, "it answered");
  assert.equal(outcome.code, code);
  assert.equal(outcome.blame, "gate", "what was not scanned is held up, as by a gate");
  assert.ok(outcome.remedy !== undefined);
  return outcome;
}

describe("a scanner as a program", () => {
  it("gets an image of the builder's engine by its tag, in an empty folder, without the project's secrets", async (context) => {
    for (const [name, report, args] of [
      [
        "trivy",
        "trivy-2-os-and-language",
        ["image", "--quiet", "--format", "json", "--timeout", "20s", local.reference],
      ],
      ["grype", "grype-0.104", [`docker:${local.reference}`, "--quiet", "--output", "json"]],
    ] as const) {
      const env = { DATABASE_PASSWORD: "hidden", TRIVY_DB_REPOSITORY: "mirror.example.com/db" };
      const { outcome, seen } = await scanWith(context, printing(report), { name, env });
      assert.ok(!(outcome instanceof ShiplockError), String(outcome));
      assert.ok(outcome.findings.length > 2);
      const how = await seen();
      assert.deepEqual(how.args, args);
      assert.deepEqual(how.files, []);
      assert.equal(how.env.DATABASE_PASSWORD, undefined);
      assert.equal(how.env.TRIVY_DB_REPOSITORY, "mirror.example.com/db");
      assert.equal(how.docker, null);
    }
  });

  it("gets an image of the registry by digest, and the login in a file that is gone afterwards, never as an argument or variable", async (context) => {
    for (const [name, report] of [
      ["trivy", "trivy-2-image"],
      ["grype", "grype-0.104"],
    ] as const) {
      const { seen } = await scanWith(context, printing(report), { name, target: remote });
      const how = await seen();
      const auth = Buffer.from(`ada:${login.password}`).toString("base64");
      assert.deepEqual(how.docker, { auths: { "registry.example.com:5000": { auth } } });
      assert.equal(how.mode, 0o700);
      await assert.rejects(stat(how.env.DOCKER_CONFIG), { code: "ENOENT" });
      assert.ok(how.args.join(" ").includes(remote.reference) && how.args.includes("linux/arm64"));
      assert.ok(!JSON.stringify([how.args, how.env]).includes(login.password));
      assert.ok(!JSON.stringify([how.args, how.env]).includes(auth));
      const plain = name === "trivy" ? how.env.TRIVY_NON_SSL : how.env.GRYPE_REGISTRY_INSECURE_USE_HTTP;
      assert.equal(plain, "true");
    }
  });

  it("that is not installed holds the image up", async () => {
    const scanner = trivyScanner({ env: { PATH: "/nowhere" }, withhold: [] });
    const outcome = await scanner
      .scan(local, { timeoutMs: 1000, signal: new AbortController().signal })
      .catch((error: unknown) => error);
    assert.match(refused(outcome, "scan/scanner-missing").remedy ?? "", /scan: off/);
  });

  it("that crashes holds it up, and its last words are shown without the login", async (context) => {
    const script = `console.error("FATAL cannot pull with ${login.password}"); process.exit(3);`;
    const { outcome } = await scanWith(context, script, { target: remote });
    const error = refused(outcome, "scan/failed");
    assert.match(error.message, /exit code 3/);
    assert.deepEqual(error.details, ["FATAL cannot pull with ***"]);
  });

  it("that is killed by a signal after it printed a whole report holds it up", async (context) => {
    const script = `process.stdout.write(${JSON.stringify(reportText("trivy-2-image"))}, () => process.kill(process.pid, "SIGKILL"));`;
    refused((await scanWith(context, script)).outcome, "scan/failed");
  });

  it("that hangs is stopped with all it started, and holds it up", async (context) => {
    const script = `
      import { spawn } from "node:child_process";
      import { writeFileSync } from "node:fs";
      const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });
      writeFileSync(folder + "/child", String(child.pid));
      setInterval(() => {}, 1000);`;
    const { outcome, standIn } = await scanWith(context, script, { timeoutMs: 1 });
    refused(outcome, "scan/timeout");
    const pid = Number(await readFile(join(standIn.folder, "child"), "utf8"));
    const gone = await waitFor(systemClock, { timeoutMs: 5000, intervalMs: 10 }, async () =>
      (await runs(pid)) ? null : true,
    );
    assert.ok(gone, "what the scanner had started goes on");
  });

  it("that prints rubbish, half a report, nothing, or more than any report has, holds it up", async (context) => {
    for (const script of [
      `console.log("All is well!");`,
      `process.stdout.write(${JSON.stringify(reportText("trivy-2-image").slice(0, 300))});`,
      "",
      `process.stdout.write(Buffer.alloc(65 * 1024 * 1024, 32)); process.stdout.write(${JSON.stringify(reportText("trivy-2-image"))});`,
    ])
      refused((await scanWith(context, script)).outcome, "scan/unreadable");
  });

  it("is ended when the command is interrupted, which is no verdict", async (context) => {
    const { outcome } = await scanWith(context, "setInterval(() => {}, 1000);", { signal: AbortSignal.timeout(300) });
    assert.ok(outcome instanceof ShiplockError);
    assert.equal(outcome.code, "program/interrupted");
  });
});
