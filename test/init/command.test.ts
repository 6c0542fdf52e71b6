import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, test } from "node:test";
import { runAsking } from "../../src/cli/commands/init.ts";
import type { Flags } from "../../src/cli/commands/table.ts";
import { type Ask, terminalAsk } from "../../src/cli/init/ask.ts";
import { main } from "../../src/cli/main.ts";
import { createOutput } from "../../src/cli/output.ts";
import { ShiplockError } from "../../src/errors.ts";
import { type Files, readRepository } from "./fixtures.ts";

const dockerfile = "FROM node:24-slim\nEXPOSE 4000\n";
let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "shiplock-init-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

function read(path: string): string {
  return readFileSync(join(folder, path), "utf8");
}

/** Somebody who answers in this order: text to questions, true and false to yes-or-no. */
function somebody(...answers: (string | boolean)[]): Ask & { asked: string[] } {
  const asked: string[] = [];
  const next = (question: string): string | boolean => {
    asked.push(question);
    const answer = answers.shift();
    assert.ok(answer !== undefined, `nobody has an answer to: ${question}`);
    return answer;
  };
  return {
    asked,
    text: async (question, standard) => {
      const said = String(next(question));
      return said === "" ? standard : said;
    },
    yes: async (question) => next(question) === true,
    close: () => undefined,
  };
}

async function init(
  flags: Flags,
  ask: Ask | null = null,
  json?: string,
): Promise<{ exit: number; said: string; error: ShiplockError | null }> {
  let said = "";
  const stream = { write: (text: string) => (said += text) };
  const output = createOutput({ json, stdout: stream, stderr: stream, environment: {} });
  const context = { options: {}, cwd: folder, env: {}, output, signal: new AbortController().signal, commandLine: "" };
  try {
    return { exit: await runAsking(context, flags, ask), said, error: null };
  } catch (error) {
    if (!(error instanceof ShiplockError)) throw error;
    return { exit: 2, said, error };
  }
}

describe("files that are there", () => {
  test("are left alone with --yes, and what is missing is written", async () => {
    put({ ...readRepository("express"), "compose.yaml": "services: { web: { build: . } }\n", Dockerfile: dockerfile });
    const { exit } = await init({ yes: true });
    assert.equal(exit, 0);
    assert.equal(read("Dockerfile"), dockerfile);
    assert.equal(read("compose.yaml"), "services: { web: { build: . } }\n");
    assert.match(read("shiplock.yml"), /port: 4000/);
  });

  test("are told with what would change: with --yes they stay, with --force they are replaced", async () => {
    put({ ...readRepository("express"), "shiplock.yml": "project: mine\n" });
    const kept = await init({ yes: true });
    assert.match(kept.said, /shiplock\.yml kept as it is/);
    assert.match(kept.said, /-project: mine\n {2}\+# yaml-language-server/);
    assert.equal(read("shiplock.yml"), "project: mine\n");
    assert.match((await init({ force: true })).said, /shiplock\.yml replaced/);
    assert.match(read("shiplock.yml"), /^project: tea-api$/m);
  });

  test("are shown as a difference and asked about in a terminal, each for itself", async () => {
    put({ ...readRepository("express"), "shiplock.yml": "project: mine\n", ".env.example": "TZ=UTC\n" });
    const refusing = somebody("", "", "", "", false, true);
    const { said } = await init({}, refusing);
    assert.ok(refusing.asked.includes("Replace it?"));
    assert.match(said, /-project: mine/);
    assert.equal(read("shiplock.yml"), "project: mine\n");
    assert.ok(existsSync(join(folder, "Dockerfile")));
    const agreeing = somebody("ghcr.io/acme/tea", "tea.test", "deploy@203.0.113.5", "", true);
    await init({}, agreeing);
    assert.match(read("shiplock.yml"), /address: ghcr\.io\/acme\/tea/);
    assert.match(read("shiplock.yml"), /APP_HOST: staging\.tea\.test/);
    assert.equal(read("shiplock.yml").match(/hosts: \[deploy@203\.0\.113\.5\]/g)?.length, 2);
  });

  test("keep their rights, and no temporary file is left", async () => {
    put({ ...readRepository("nextjs") });
    const config = join(folder, "next.config.mjs");
    execFileSync("chmod", ["640", config]);
    await init({ yes: true });
    assert.equal(statSync(config).mode & 0o777, 0o640);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.startsWith(".shiplock")),
      [],
    );
  });
});

describe("Next.js's standalone output", () => {
  test("is switched on only after the change was shown and agreed to", async () => {
    put(readRepository("nextjs"));
    const ask = somebody("", "", "", "", true, true);
    const { said } = await init({}, ask);
    assert.ok(ask.asked.includes("Change it like this?"));
    assert.match(said, /\+ {2}output: "standalone",/);
    assert.match(read("next.config.mjs"), /output: "standalone"/);
    assert.match(read("Dockerfile"), /\.next\/standalone/);
  });

  test("when refused, the Dockerfile is one that does without", async () => {
    put(readRepository("nextjs"));
    const before = read("next.config.mjs");
    const { said } = await init({}, somebody("", "", "", "", false, true));
    assert.equal(read("next.config.mjs"), before);
    assert.doesNotMatch(read("Dockerfile"), /standalone/);
    assert.match(read("Dockerfile"), /"next", "start"/);
    assert.match(said, /note next\.config\.mjs: add output: "standalone" by hand/);
  });
});

describe("nothing is written", () => {
  test("with nobody to ask and no --yes: exit 2 says which flag to give", async () => {
    put(readRepository("express"));
    const { exit, error, said } = await init({});
    assert.equal(exit, 2);
    assert.equal(error?.code, "init/nobody-to-ask");
    assert.match(String(error?.remedy), /--yes/);
    assert.match(said, /shiplock\.yml would be written/);
    assert.equal(existsSync(join(folder, "shiplock.yml")), false);
  });

  test("with --dry-run, which shows every file in full", async () => {
    put(readRepository("express"));
    const { exit, said } = await init({ dryRun: true });
    assert.equal(exit, 0);
    assert.match(said, /FROM node:24-slim/);
    assert.equal(existsSync(join(folder, "Dockerfile")), false);
  });

  test("when the answer to writing is no", async () => {
    put(readRepository("express"));
    const { exit } = await init({}, somebody("", "", "", "", false));
    assert.equal(exit, 0);
    assert.equal(existsSync(join(folder, "shiplock.yml")), false);
  });

  test("when a file cannot be understood: which, where, why, and what to do", async () => {
    put({ "package.json": '{ "name": ' });
    assert.deepEqual(await refusalOf(), ["init/unreadable", "package.json"]);
    put({ "package.json": "{}", "compose.yaml": "services:\n  web: [build\n" });
    assert.deepEqual(await refusalOf(), ["init/unreadable", "compose.yaml:3:1"]);
  });

  test("in a folder with nothing to deploy: what was looked for, and what to do", async () => {
    const { error } = await init({ yes: true });
    assert.equal(error?.code, "init/nothing-found");
    assert.match(String(error?.details), /package\.json.*requirements\.txt.*Dockerfile/s);
    assert.match(String(error?.remedy), /write a Dockerfile first/);
  });

  async function refusalOf(): Promise<unknown[]> {
    const { exit, error } = await init({ yes: true });
    assert.equal(exit, 2);
    assert.match(String(error?.remedy), /run init again/);
    assert.equal(existsSync(join(folder, "shiplock.yml")), false);
    return [error?.code, error?.where];
  }
});

test("a flag that cannot be what it says is refused in the schema's own words, before anything is written", async () => {
  put(readRepository("express"));
  const bad = await init({ yes: true, host: ["staging=-oProxyCommand=x"] });
  assert.equal(bad.error?.code, "init/invalid");
  assert.match(String(bad.error?.details), /hosts\[0\]: .*must be "user@host"/);
  assert.equal((await init({ yes: true, tls: "on" })).error?.code, "init/bad-answer");
  assert.equal(existsSync(join(folder, "shiplock.yml")), false);
});

test("there is never a second configuration: shiplock.yaml is the file where it is there, and shiplock.config.ts is refused", async () => {
  put({ ...readRepository("express"), "shiplock.yaml": "project: mine\n" });
  await init({ force: true });
  assert.match(read("shiplock.yaml"), /^project: tea-api$/m);
  assert.equal(existsSync(join(folder, "shiplock.yml")), false);
  put({ "shiplock.config.ts": "export default {};\n" });
  assert.equal((await init({ yes: true })).error?.code, "init/has-module");
  assert.equal(existsSync(join(folder, "shiplock.yml")), false);
});

test("the names in a .env that git ignores are taken over, and none of its values", async () => {
  put({
    "compose.yaml": "services: { web: { build: ., env_file: .env, ports: ['80:8080'] } }\n",
    Dockerfile: "FROM scratch\nEXPOSE 8080\n",
    ".gitignore": ".env\n",
    ".env": "PAYMENT_TOKEN=tok-live-4711\nGREETING=hello-from-env\n",
  });
  execFileSync("git", ["init", "--quiet", folder]);
  const { said } = await init({ yes: true }, null, "document");
  const written = readdirSync(folder)
    .filter((name) => name !== ".env" && name !== ".git")
    .map(read)
    .join("\n");
  assert.match(written, /secrets: \[PAYMENT_TOKEN\]/);
  assert.match(written, /GREETING: ""/);
  for (const text of [written, said]) assert.doesNotMatch(text, /4711|hello-from-env/);
});

describe("a question in the terminal", () => {
  function terminal(): {
    ask: Ask;
    input: PassThrough;
    interrupts: number[];
    signal: AbortController;
    shown: () => string;
  } {
    const input = new PassThrough();
    const output = new PassThrough();
    let shown = "";
    output.on("data", (chunk: Buffer) => (shown += chunk.toString()));
    const signal = new AbortController();
    const interrupts: number[] = [];
    const ask = terminalAsk({ input, output, signal: signal.signal, interrupt: () => interrupts.push(1) });
    return { ask, input, interrupts, signal, shown: () => shown };
  }

  test("has its standard for an empty answer, and takes no for an answer that is not yes", async () => {
    const { ask, input, shown } = terminal();
    for (const [said, means] of [
      ["", "standard"],
      ["mine ", "mine"],
    ] as const) {
      const answer = ask.text("Which", "standard");
      input.write(`${said}\n`);
      assert.equal(await answer, means);
    }
    for (const [said, means] of [
      ["y", true],
      ["Yes", true],
      ["", false],
      ["yep", false],
    ] as const) {
      const answer = ask.yes("Write it?");
      input.write(`${said}\n`);
      assert.equal(await answer, means);
    }
    assert.match(shown(), /Which \(standard\): .*Write it\? \[y\/N\] /s);
    ask.close();
  });

  test("that is left by Ctrl-D is told as an error of its own, and one that is interrupted by the interruption", async () => {
    const closed = terminal();
    const answer = closed.ask.yes("Write it?");
    closed.input.end();
    await assert.rejects(answer, { code: "init/no-answer" });
    const interrupted = terminal();
    const other = interrupted.ask.yes("Write it?");
    interrupted.signal.abort("SIGINT");
    await assert.rejects(other, { name: "AbortError" });
    interrupted.ask.close();
  });
});

test("--json tells findings, files with what became of them, and lines to fill in", async () => {
  put(readRepository("vite-react"));
  const { said } = await init({ yes: true }, null, "document");
  const document = JSON.parse(said) as {
    project: string;
    written: boolean;
    files: { path: string; action: string }[];
    examples: string[];
  };
  assert.deepEqual([document.project, document.written], ["tea-admin", true]);
  assert.deepEqual(
    document.files.map(({ path, action }) => `${action} ${path}`),
    ["Dockerfile", "Caddyfile", ".dockerignore", "compose.yaml", "shiplock.yml"].map((path) => `write ${path}`),
  );
  assert.ok(document.examples.some((line) => line.includes("deploy@staging.example.com")));
});

test("init is a command of the program, and takes no --config", async () => {
  let said = "";
  const stream = { write: (text: string) => (said += text) } as unknown as NodeJS.WriteStream;
  const { signal } = new AbortController();
  const run = (...argv: string[]) =>
    main({ argv, cwd: folder, env: {}, stdout: stream, stderr: stream, signal, version: "0" });
  assert.equal(await run("init", "--config", "x.yml"), 2);
  assert.match(said, /init\/no-config/);
  put(readRepository("express"));
  assert.equal(await run("init", "--yes", "--host", "a@b", "--host", "production=c@d"), 0);
  assert.match(read("shiplock.yml"), /hosts: \["?c@d"?\]/);
});
