import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { describe, it, type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { runWith } from "../../src/cli/commands/secrets.ts";
import type { Flags } from "../../src/cli/commands/table.ts";
import type { CommandContext } from "../../src/cli/context.ts";
import { createOutput } from "../../src/cli/output.ts";
import { type Input, terminalWorld } from "../../src/cli/secret-actions/terminal-world.ts";
import { oldSecretsLine, tellOldSecrets } from "../../src/cli/secret-ages.ts";
import type { SecretsWorld } from "../../src/cli/secret-actions/world.ts";
import { createSecretMemory } from "../../src/cli/secret-memory.ts";
import { demandSecrets, ownerOf } from "../../src/cli/secrets.ts";
import { loadConfig } from "../../src/config/load.ts";
import { makeKey } from "../../src/secrets/age/crypto.ts";
import { parseAgeFile } from "../../src/secrets/age/document.ts";

const planted = "pl4nted-Valu3";
const day = 86_400_000;

describe("shiplock secrets", () => {
  it("makes a key outside the repository that only its owner reads, and a file; what is set there is what is deployed", async (context) => {
    const { secrets, read, folder, said } = await project(context);
    await secrets(["init", "production"]);
    const key = await stat(join(folder, "home/.config/shiplock/age.key"));
    assert.equal(key.mode & 0o777, 0o600);
    await secrets(["set", "production", "TOKEN"], { value: planted });
    assert.deepEqual(await read("production", ["TOKEN"]), { TOKEN: planted });
    const text = await readFile(join(folder, "secrets/production.age"), "utf8");
    assert.match(text, /ada: age1/);
    assert.match(
      text,
      /TOKEN:\n {4}updatedAt: 2026-01-01T00:00:00.000Z\n {4}by: ada\n {4}value: \|\n {6}-----BEGIN AGE/,
    );
    for (const said_ of [text, said()]) assert.doesNotMatch(said_, new RegExp(planted));
    // A second time changes nothing.
    await secrets(["init", "production"]);
    assert.equal(await readFile(join(folder, "secrets/production.age"), "utf8"), text);
  });

  it("says what to write where no age file is configured, and writes none", async (context) => {
    const { secrets, said } = await project(context, { production: "" });
    await secrets(["init", "production"]);
    assert.match(said(), /providers: \[\{ age: secrets\/production\.age \}\]/);
    await assert.rejects(secrets(["set", "production", "TOKEN"], { value: "x" }), {
      code: "secrets/no-age-file",
      remedy: /age: secrets\/production\.age/,
    });
  });

  it("needs no key to set a value, and says so where another provider would win over it", async (context) => {
    const { secrets, folder, said } = await project(context, {
      production: "secrets: { names: [TOKEN], providers: [env, { age: secrets/production.age }] }",
      env: { TOKEN: "shell" },
    });
    await secrets(["init", "production"]);
    await rm(join(folder, "home"), { recursive: true });
    await secrets(["set", "production", "TOKEN"], { value: planted });
    assert.match(said(), /warning: production takes TOKEN from the process environment, which comes first/);
  });

  it("refuses an empty value, a bad name, an unknown action and too many arguments, and never repeats what may be a value", async (context) => {
    const { secrets } = await project(context);
    await secrets(["init", "production"]);
    await assert.rejects(secrets(["set", "production", "TOKEN"], { value: "" }), { code: "secrets/empty" });
    await assert.rejects(secrets(["set", "production", "TOKEN=pl4nted"], { value: "x" }), (error: Error) => {
      assert.doesNotMatch(error.message, /pl4nted/);
      return true;
    });
    await assert.rejects(secrets(["lst", "production"]), { code: "cli/usage", message: /did you mean list/ });
    await assert.rejects(secrets(["list", "production", "TOKEN"]), {
      code: "cli/usage",
      remedy: /secrets list \[env\]/,
    });
    await assert.rejects(secrets(["list", "prodction"]), { code: "config/unknown-environment" });
  });

  it("lists where each secret comes from, its age, what is missing, old, unused or shadowed, without a key and without a value", async (context) => {
    const { secrets, folder, said, result } = await project(context, {
      production: "secrets: { names: [FRESH, STALE, GONE], maxAge: 90d, providers: [{ age: secrets/production.age }] }",
      rest: "secrets: { providers: [{ dotenv: shared.env }] }",
      files: { "shared.env": `FRESH=${planted}\n` },
    });
    await secrets(["init", "production"]);
    await secrets(["set", "production", "STALE"], { value: planted });
    await secrets(["set", "production", "FRESH"], { value: planted, now: 100 * day });
    await secrets(["set", "production", "EXTRA"], { value: planted, now: 100 * day });
    await rm(join(folder, "home"), { recursive: true });
    await secrets(["list", "production"], { now: 101 * day });
    const lines = said().split("\n").slice(-5, -1);
    const from = "age file secrets/production.age (of the environment)";
    assert.deepEqual(lines, [
      `  FRESH  ${from}; 1 day old; also in the dotenv file shared.env, which is not asked`,
      `  STALE  ${from}; 101 days old: time for a new value`,
      "  GONE   missing",
      `  EXTRA  ${from}; 1 day old; not named under the environment's secrets`,
    ]);
    await secrets(["list", "production"], { now: 101 * day, json: true });
    assert.doesNotMatch(said(), new RegExp(planted));
    const [{ secrets: rows }] = result() as [{ secrets: { name: string; state: string }[] }];
    assert.deepEqual(
      rows.map(({ name, state }) => `${name} ${state}`),
      ["FRESH set", "STALE old", "GONE missing", "EXTRA unused"],
    );
  });

  it("knows who else wants a secret: hooks of the environment, and who is told", async (context) => {
    const { secrets, said } = await project(context, {
      production: `secrets: { names: [TOKEN], providers: [{ age: secrets/production.age }] }
    hooks: { after: [{ run: [./e2e], secrets: [E2E_TOKEN] }] }`,
      rest: 'notify: [{ slack: { channel: "#deploys", token: SLACK_TOKEN } }]',
    });
    await secrets(["init", "production"]);
    await secrets(["set", "production", "E2E_TOKEN"], { value: planted });
    await secrets(["list"]);
    assert.match(said(), /E2E_TOKEN +age file secrets\/production\.age.*; 0 days old\n/);
    assert.doesNotMatch(said(), /not named under/);
    assert.match(said(), /who is told\)\n +SLACK_TOKEN +missing/);
    await secrets(["rotate", "production", "E2E_TOKEN"], { value: "after-it" });
    assert.match(said(), /the hooks of production get the new value from the next deployment on/);
    assert.doesNotMatch(said(), /no environment uses it|has the old value/);
  });

  it("rotates a value: the time is new, and what has the old one is named with the command that brings it there", async (context) => {
    const { secrets, read, folder, said } = await project(context);
    await secrets(["init"]);
    await assert.rejects(secrets(["rotate", "production", "TOKEN"], { value: "x" }), { code: "secrets/unknown" });
    await secrets(["set", "production", "TOKEN"], { value: "before-it" });
    await secrets(["rotate", "production", "TOKEN"], { value: "after-it", now: 5 * day });
    assert.deepEqual(await read("production", ["TOKEN"]), { TOKEN: "after-it" });
    assert.match(await readFile(join(folder, "secrets/production.age"), "utf8"), /updatedAt: 2026-01-06/);
    assert.match(said(), /production has the old value until `shiplock deploy production --release/);
    assert.doesNotMatch(said(), /staging has/);
  });

  it("encrypts everything anew for the recipients of today, so that a new one can read and one who was taken out cannot", async (context) => {
    const { secrets, read, folder } = await project(context);
    const file = join(folder, "secrets/production.age");
    await secrets(["init"]);
    await secrets(["set", "production", "TOKEN"], { value: planted });
    const ci = await makeKey();
    const asCi = { SHIPLOCK_AGE_KEY: ci.identity };
    await assert.rejects(read("production", ["TOKEN"], asCi), {
      code: "secrets/age-key",
      message: /TOKEN is not encrypted/,
    });
    await secrets(["rotate"], { flags: { recipient: [`ci=${ci.recipient}`] } });
    assert.deepEqual(await read("production", ["TOKEN"], asCi), { TOKEN: planted });
    assert.match(await readFile(file, "utf8"), /updatedAt: 2026-01-01/);
    await writeFile(file, (await readFile(file, "utf8")).replace(/^ {2}ada: .*\n/m, ""));
    await secrets(["rotate", "production"]);
    assert.deepEqual(await read("production", ["TOKEN"], asCi), { TOKEN: planted });
    await assert.rejects(read("production", ["TOKEN"]), { code: "secrets/age-key" });
    const secret = secrets(["rotate"], { flags: { recipient: [`ci=${ci.identity}`] } });
    await assert.rejects(
      secret,
      (error: Error) => !error.message.includes(ci.identity) && /public key/.test(error.message),
    );
  });
});

it("status and deploy say in one line which secrets are old, once in a command, and that ages are not known where that is so", async (context) => {
  const { secrets, command, folder, said } = await project(context, {
    production:
      "secrets: { names: [TOKEN, OTHER], maxAge: 90d, providers: [{ age: secrets/production.age }, { dotenv: rest.env }] }",
    files: { "rest.env": "OTHER=x\n" },
  });
  await secrets(["init"]);
  await secrets(["set", "production", "TOKEN"], { value: planted, now: -4000 * day });
  const config = await loadConfig({ cwd: folder, readFile: (path) => readFile(path, "utf8"), env: {} });
  const { production, staging } = config.environments;
  assert.ok(production !== undefined && staging !== undefined);
  assert.match(
    (await oldSecretsLine(command, config, production)) ?? "",
    /^a secret is older than 90 days: TOKEN \(\d{4} days\); give it a new value/,
  );
  assert.equal(await oldSecretsLine(command, config, staging), null);
  for (let time = 0; time < 2; time += 1) await tellOldSecrets(command, config, production);
  assert.equal(said().split("warning: a secret is older").length, 2);
  await rm(join(folder, "rest.env"));
  const other = await oldSecretsLine({ ...command, secrets: createSecretMemory() }, config, production);
  assert.match(other ?? "", /^the age of secrets is not known: dotenv file rest\.env/);
});

describe("shiplock secrets edit", () => {
  it("changes what was changed, takes away what was taken out, and leaves the rest as it was encrypted", async (context) => {
    const { secrets, read, folder } = await project(context);
    await secrets(["init"]);
    for (const [name, value] of [
      ["SAME", "stays-as"],
      ["OTHER", "old-value"],
      ["GONE", "is-gone"],
    ] as const)
      await secrets(["set", "production", name], { value });
    const document = async () => parseAgeFile(await readFile(join(folder, "secrets/production.age"), "utf8"), "x");
    const before = await document();
    await secrets(["edit", "production"], {
      now: day,
      edit: (text) => `${text.replace("old-value", "|\n  two\n  lines").replace(/GONE.*\n/, "")}PORT: 8080\n`,
    });
    const after = await document();
    assert.deepEqual(after.secrets["SAME"], before.secrets["SAME"]);
    assert.deepEqual(Object.keys(after.secrets), ["OTHER", "PORT", "SAME"]);
    assert.deepEqual(await read("production", ["OTHER", "PORT"]), { OTHER: "two\nlines\n", PORT: "8080" });
  });

  it("gives the editor a file that only its user reads, in a folder of its own, and leaves nothing of it, whatever happens", async (context) => {
    const { secrets } = await project(context);
    await secrets(["init"]);
    await secrets(["set", "production", "TOKEN"], { value: planted });
    const seen: string[] = [];
    const modes: number[] = [];
    const shown: string[] = [];
    const interrupted = new AbortController();
    const endings: (() => string | Promise<never>)[] = [
      () => "TOKEN: changed-it\n",
      () => "{ broken",
      () => Promise.reject(new Error("the editor crashed")),
      () => {
        interrupted.abort("SIGINT");
        return "TOKEN: too-late\n";
      },
    ];
    for (const end of endings) {
      const signal = end === endings.at(-1) ? interrupted.signal : undefined;
      const editing = secrets(["edit", "production"], {
        ...(signal === undefined ? {} : { signal }),
        editFile: async (file) => {
          seen.push(file);
          for (const path of [file, dirname(file)]) modes.push((await stat(path)).mode & 0o777);
          shown.push(await readFile(file, "utf8"));
          await writeFile(file, await end());
        },
      });
      await editing.catch(() => undefined);
    }
    assert.equal(new Set(seen).size, endings.length);
    assert.deepEqual(modes.slice(0, 2), [0o600, 0o700]);
    assert.match(shown[0] ?? "", new RegExp(`TOKEN: ${planted}`));
    for (const file of seen) assert.ok(!existsSync(dirname(file)), file);
  });

  it("refuses when nothing was changed or what was written cannot be read, says where without a value, and the file is as it was", async (context) => {
    const { secrets, folder } = await project(context);
    await secrets(["init"]);
    await secrets(["set", "production", "TOKEN"], { value: planted });
    const text = await readFile(join(folder, "secrets/production.age"), "utf8");
    const refused = async (edit: (text: string) => string, expected: RegExp): Promise<void> => {
      await assert.rejects(secrets(["edit", "production"], { edit }), (error: Error & { code?: string }) => {
        assert.match(`${error.code}: ${error.message}`, expected);
        assert.doesNotMatch(JSON.stringify({ ...error, message: error.message }), /pl4nted|s3cret/);
        return true;
      });
      assert.equal(await readFile(join(folder, "secrets/production.age"), "utf8"), text);
    };
    await refused((before) => before, /secrets\/nothing-changed/);
    await refused((before) => `${before}OTHER: [s3cret\n`, /secrets\/unreadable.*line \d/);
    await refused((before) => `${before}my s3cret: x\n`, /secrets\/unreadable.*entry 2 has no name/);
    await refused((before) => `${before}STAR: *s3cret\n`, /secrets\/unreadable.*STAR.*quotes/);
    await refused((before) => `${before}AND: &s3cret x\n`, /secrets\/unreadable.*AND.*quotes/);
    await refused((before) => `${before}EXCLAMATION: !s3cret x\n`, /secrets\/unreadable.*EXCLAMATION.*quotes/);
    await refused((before) => `${before}HASH: front #s3cret\n`, /secrets\/unreadable.*HASH.*quotes/);
    await refused((before) => `${before}EMPTY:\n`, /secrets\/unreadable.*EMPTY has no text/);
    await refused((before) => before.replace("TOKEN:", "TOKEN: s3cret\nTOKEN:"), /secrets\/unreadable/);
  });

  it("opens again for whoever wants to mend what could not be read", async (context) => {
    const { secrets, read } = await project(context);
    await secrets(["init"]);
    const texts = ["TOKEN: [broken\n", "TOKEN: mended-it\n"];
    await secrets(["edit", "production"], { edit: () => texts.shift() ?? "", ask: async () => true });
    assert.deepEqual(await read("production", ["TOKEN"]), { TOKEN: "mended-it" });
  });

  it("does not overwrite what somebody else changed meanwhile", async (context) => {
    const { secrets, folder } = await project(context);
    await secrets(["init"]);
    const file = join(folder, "secrets/production.age");
    const editing = secrets(["edit", "production"], {
      editFile: async (edited) => {
        await secrets(["set", "production", "TOKEN"], { value: planted });
        await writeFile(edited, "OTHER: mine-now\n");
      },
    });
    await assert.rejects(editing, { code: "secrets/age-file", message: /changed by somebody else/ });
    assert.match(await readFile(file, "utf8"), /TOKEN/);
  });

  it("runs the words of EDITOR without a shell, and says so when it fails", async (context) => {
    const { folder, command } = await project(context);
    const program = join(folder, "editor");
    await writeFile(program, '#!/bin/sh\nprintf "%s\\n" "$@" > "$0.args"\nexit "${CODE:-0}"\n');
    await chmod(program, 0o755);
    const world = (env: Record<string, string>): SecretsWorld =>
      terminalWorld({ ...command, env: { ...command.env, ...env } });
    await world({ EDITOR: `${program} --wait $(id)` }).edit("/tmp/a b");
    assert.equal(await readFile(`${program}.args`, "utf8"), "--wait\n$(id)\n/tmp/a b\n");
    await assert.rejects(world({ EDITOR: program, CODE: "3" }).edit("x"), {
      code: "secrets/editor",
      message: /exit code 3/,
    });
    await assert.rejects(world({ EDITOR: "/no/such/editor" }).edit("x"), { code: "secrets/editor" });
  });
});

describe("the value of a secret", () => {
  it("is all of standard input without the last line break", async (context) => {
    const { command } = await project(context);
    const world = terminalWorld(command, Readable.from(["two\nli", "nes\n"]));
    assert.equal(await world.readValue("value"), "two\nlines");
  });

  it("is typed in a terminal without being shown, can be corrected, and leaves the terminal as it was", async (context) => {
    const { command } = await project(context);
    const modes: boolean[] = [];
    const shown: string[] = [];
    const typing = Object.assign(new EventEmitter(), {
      isTTY: true,
      setRawMode: (raw: boolean) => modes.push(raw),
      resume: () => undefined,
      pause: () => undefined,
    });
    const world = terminalWorld(command, typing as unknown as Input, { write: (text) => shown.push(text) });
    const value = world.readValue("value of TOKEN");
    typing.emit("data", Buffer.from("pl4nX\u007fted-\r"));
    assert.equal(await value, "pl4nted-");
    assert.deepEqual(modes, [true, false]);
    assert.equal(shown.join(""), "value of TOKEN: \n");
    assert.equal(typing.listenerCount("data"), 0);
  });
});

type Given = {
  value?: string;
  now?: number;
  flags?: Flags;
  edit?: (text: string) => string;
  editFile?: (file: string) => Promise<void>;
  ask?: SecretsWorld["ask"];
  signal?: AbortSignal;
  json?: boolean;
};

/** A project with an age file for production, on a machine of ada's that has no key yet. */
async function project(
  context: TestContext,
  written: {
    production?: string;
    rest?: string;
    files?: Readonly<Record<string, string>>;
    env?: Readonly<Record<string, string>>;
  } = {},
) {
  const folder = await mkdtemp(join(tmpdir(), "shiplock-actions-"));
  context.after(() => rm(folder, { recursive: true }));
  const { production = "secrets: { names: [TOKEN], providers: [{ age: secrets/production.age }] }", rest = "" } =
    written;
  const text = `
project: shop
${rest}
images: { web: {} }
services: { web: { image: web, port: 80, health: / } }
environments:
  production:
    target: { compose: { hosts: [box] } }
    ${production}
  staging: { target: { compose: { hosts: [other] } }, secrets: [TOKEN] }
`;
  for (const [name, content] of Object.entries({ ...written.files, "shiplock.yml": text }))
    await writeFile(join(folder, name), content);
  const env = { HOME: join(folder, "home"), PATH: process.env["PATH"], SHIPLOCK_WHO: "ada", ...written.env };
  const lines: string[] = [];
  const commandWith = (json: boolean, signal: AbortSignal): CommandContext => {
    const stream = { write: (line: string) => lines.push(line) };
    const output = createOutput({ json, stdout: stream, stderr: stream, environment: {} });
    return { options: {}, cwd: folder, env, output, signal, commandLine: "", secrets: createSecretMemory() };
  };
  const command = commandWith(false, new AbortController().signal);
  const secrets = (args: string[], given: Given = {}): Promise<number> => {
    const {
      flags = {},
      now = 0,
      value = "",
      edit = (before: string) => before,
      ask = null,
      signal,
      json = false,
    } = given;
    const world: SecretsWorld = {
      readValue: async () => value,
      edit: given.editFile ?? (async (file) => writeFile(file, edit(await readFile(file, "utf8")))),
      ask,
      now: () => new Date(Date.UTC(2026, 0, 1) + now),
    };
    return runWith(commandWith(json, signal ?? command.signal), args, flags, world);
  };
  const read = async (environment: string, names: string[], extra: Readonly<Record<string, string>> = {}) => {
    const config = await loadConfig({ cwd: folder, readFile: (path) => readFile(path, "utf8"), env });
    const asking = { ...commandWith(false, command.signal), env: { ...env, ...extra } };
    return demandSecrets(asking, ownerOf(config, environment), names, environment);
  };
  const said = (): string => lines.join("");
  const result = (): unknown => JSON.parse(lines.at(-1) ?? "");
  return { folder, command, secrets, read, said, result };
}

describe("what secrets edit shows in an editor is gone", () => {
  for (const [what, signals] of [
    ["when its terminal is closed", ["SIGHUP"]],
    ["when it is interrupted twice, and the editor does not heed that", ["SIGTERM", "SIGTERM"]],
  ] as const)
    it(what, async (context) => {
      const { secrets, folder } = await project(context);
      await secrets(["init", "production"]);
      await secrets(["set", "production", "TOKEN"], { value: planted });
      const editor = join(folder, "editor.sh");
      const deaf = signals.length > 1 ? "trap '' TERM\n" : "";
      await writeFile(
        editor,
        `#!/bin/sh\n${deaf}echo "$1" > opened.tmp; mv opened.tmp opened; sleep 5 & wait; wait\n`,
        { mode: 0o755 },
      );
      const env = { ...process.env, HOME: join(folder, "home"), XDG_RUNTIME_DIR: folder, EDITOR: editor };
      const command = spawn(process.execPath, [resolve("src/cli/shiplock.ts"), "secrets", "edit", "production"], {
        ...{ cwd: folder, env, stdio: "ignore" },
      });
      const ended = once(command, "exit");
      context.after(() => command.kill("SIGKILL"));
      while (!existsSync(join(folder, "opened"))) await setTimeout(20);
      const file = (await readFile(join(folder, "opened"), "utf8")).trim();
      assert.match(await readFile(file, "utf8"), new RegExp(planted));
      for (const signal of signals) {
        command.kill(signal);
        await setTimeout(100);
      }
      await ended;
      assert.equal(existsSync(dirname(file)), false);
    });
});
