import assert from "node:assert/strict";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { encryptValue, makeKey } from "../../../src/secrets/age/crypto.ts";
import { ageFileText } from "../../../src/secrets/age/document.ts";
import { remembering } from "../../../src/secrets/lookup.ts";
import type { SecretProvider } from "../../../src/secrets/provider.ts";
import { providerOf } from "../../../src/secrets/providers/table.ts";
import { providerContract } from "../provider-contract.ts";

const { signal } = new AbortController();

providerContract("the environment of the command", {
  holding: async (_context, secrets) => providerOf({ kind: "env" }, secrets),
  failing: null,
  keepsEmpty: true,
  knowsTimes: false,
});

providerContract("a dotenv file", {
  holding: async (context, secrets) => {
    const file = join(await folderOf(context), ".env");
    const lines = Object.entries(secrets).map(([name, value]) => `${name}=\`${value}\``);
    await writeFile(file, `# secrets\n${lines.join("\n")}\n`);
    return providerOf({ kind: "dotenv", file, written: "ops/.env" }, {});
  },
  failing: async () => providerOf({ kind: "dotenv", file: "/nowhere/.env", written: "ops/.env" }, {}),
  keepsEmpty: true,
  knowsTimes: false,
});

providerContract("an age file", {
  holding: async (context, secrets) => (await ageStage(context, secrets)).provider,
  failing: async (context) => {
    const { file } = await ageStage(context, { FIRST: "pl4nted-Valu3" });
    const stranger = await makeKey();
    return providerOf({ kind: "age", file, written: "secrets/x.age" }, { SHIPLOCK_AGE_KEY: stranger.identity });
  },
  keepsEmpty: true,
  knowsTimes: true,
});

providerContract("a command", {
  holding: async (context, secrets) => {
    const folder = await folderOf(context);
    for (const [name, value] of Object.entries(secrets)) await writeFile(join(folder, name), `${value}\n`);
    return command(context, 'test -f "$1" || exit 44; cat "$1"', { folder, absent: [44] });
  },
  failing: (context) => command(context, "printf pl4nted-; echo Valu3; sleep 30", { timeoutMs: 100 }),
  keepsEmpty: false,
  knowsTimes: false,
});

providerContract("a provider that is asked once", {
  holding: async (_context, secrets) => remembering(providerOf({ kind: "env" }, secrets)),
  failing: async () => remembering(providerOf({ kind: "dotenv", file: "/nowhere/.env", written: "ops/.env" }, {})),
  keepsEmpty: true,
  knowsTimes: false,
});

it("a command that fails is quoted with its last line, without what it printed before, and is not taken for 'no such secret'", async (context) => {
  const provider = await command(
    context,
    'echo s3cret-Value; echo first >&2; echo "cannot show s3cret-Value" >&2; exit 3',
  );
  const answer = (await provider.read(["TOKEN"], signal)).get("TOKEN");
  assert.deepEqual(answer, { kind: "unclear", said: "exit code 3: cannot show ***" });
});

it("a command gets the name as one argument, whatever it holds, and no shell sees it", async (context) => {
  const provider = await command(context, 'printf "%s" "$1"', { argument: "op://shop/{name}; echo $HOME" });
  const answer = (await provider.read(["TOKEN"], signal)).get("TOKEN");
  assert.deepEqual(answer, { kind: "value", value: "op://shop/TOKEN; echo $HOME", updatedAt: null });
});

it("a program that is not installed is named, with what to do", async () => {
  const settings = {
    kind: "command",
    run: ["no-such-program-here", "{name}"],
    timeoutMs: 1000,
    absent: [],
    folder: "/",
  } as const;
  const provider = providerOf(settings, { PATH: "/usr/bin:/bin" });
  await assert.rejects(provider.read(["TOKEN"], signal), {
    code: "secrets/provider-failed",
    message: /command no-such-program-here \{name\}.*is not installed here/,
    remedy: /install no-such-program-here/,
  });
});

it("a value of an age file that was moved to another name is refused, and so is one that was damaged", async (context) => {
  const { provider, file } = await ageStage(context, { WEAK: "readable", STRONG: "pl4nted-Valu3" });
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace("STRONG:", "SWAP:").replace("WEAK:", "STRONG:"));
  await assert.rejects(provider.read(["STRONG"], signal), {
    code: "secrets/age-file",
    message: /STRONG is the value of another name/,
  });
  await writeFile(file, text.replaceAll(/^( +[A-Za-z0-9+/]{40})[A-Za-z0-9+/]{8}/gm, "$1AAAAAAAA"));
  await assert.rejects(provider.read(["STRONG"], signal), {
    code: "secrets/age-file",
    message: /STRONG is (?:damaged|not in)/,
  });
});

it("an age file is readable without a key as to its names, and whoever asks for nothing that it has needs none", async (context) => {
  const { file } = await ageStage(context, { FIRST: "one" });
  const provider = providerOf({ kind: "age", file, written: "secrets/x.age" }, { HOME: "/nowhere" });
  assert.deepEqual([...((await provider.list?.(signal)) ?? new Map()).keys()], ["FIRST"]);
  assert.equal((await provider.read(["ABSENT"], signal)).size, 0);
  await assert.rejects(provider.read(["FIRST"], signal), { code: "secrets/age-key", remedy: /SHIPLOCK_AGE_KEY/ });
});

it("an age key that others may read is refused", async (context) => {
  const { file, identity } = await ageStage(context, { FIRST: "one" });
  const keyFile = join(await folderOf(context), "age.key");
  await writeFile(keyFile, `# a comment\n${identity}\n`, { mode: 0o600 });
  const provider = providerOf({ kind: "age", file, written: "secrets/x.age" }, { SHIPLOCK_AGE_KEY_FILE: keyFile });
  assert.equal((await provider.read(["FIRST"], signal)).size, 1);
  await chmod(keyFile, 0o640);
  await assert.rejects(provider.read(["FIRST"], signal), { code: "secrets/age-key", remedy: /chmod 600/ });
});

it("an age file with the marks of a merge conflict says so", async (context) => {
  const { provider, file } = await ageStage(context, { FIRST: "one" });
  await writeFile(file, (await readFile(file, "utf8")).replace("secrets:", "<<<<<<< ours\nsecrets:\n>>>>>>> theirs"));
  await assert.rejects(provider.read(["FIRST"], signal), { code: "secrets/age-file", message: /merge conflict/ });
});

it("what is asked for once is not asked for again", async () => {
  const asked: string[][] = [];
  const provider: SecretProvider = {
    kind: "env",
    name: "counted",
    read: async (names) => {
      asked.push([...names]);
      return new Map([["A", { kind: "value", value: "1", updatedAt: null }]]);
    },
  };
  const once = remembering(provider);
  await Promise.all([once.read(["A", "B"], signal), once.read(["A"], signal)]);
  await once.read(["A", "B", "C"], signal);
  assert.deepEqual(asked, [["A", "B"], ["C"]]);
});

async function folderOf(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "shiplock-secrets-"));
  context.after(() => rm(folder, { recursive: true }));
  return folder;
}

async function ageStage(context: TestContext, secrets: Readonly<Record<string, string>>) {
  const file = join(await folderOf(context), "x.age");
  const [key, other] = [await makeKey(), await makeKey()];
  const recipients = { other: other.recipient, own: key.recipient };
  const updatedAt = new Date().toISOString();
  const entries = await Promise.all(
    Object.entries(secrets).map(async ([name, value]) => {
      return [
        name,
        { updatedAt, by: "ada", value: await encryptValue(name, value, Object.values(recipients)) },
      ] as const;
    }),
  );
  await writeFile(file, ageFileText({ recipients, secrets: Object.fromEntries(entries) }));
  const provider = providerOf({ kind: "age", file, written: "secrets/x.age" }, { SHIPLOCK_AGE_KEY: key.identity });
  return { provider, file, identity: key.identity };
}

async function command(
  context: TestContext,
  script: string,
  options: { folder?: string; absent?: number[]; timeoutMs?: number; argument?: string } = {},
): Promise<SecretProvider> {
  const folder = options.folder ?? (await folderOf(context));
  const { absent = [], timeoutMs = 20_000, argument = "{name}" } = options;
  const run = ["sh", "-c", script, "sh", argument];
  return providerOf({ kind: "command", run, timeoutMs, absent, folder }, { PATH: process.env["PATH"] });
}

it("what a command prints is never cut to a shorter value: too much of it is told instead", async (context) => {
  const provider = await command(context, "head -c 600000 /dev/zero | tr '\\0' x");
  const answer = (await provider.read(["TOKEN"], signal)).get("TOKEN");
  assert.deepEqual(answer, { kind: "unclear", said: "it prints more than 256 KiB" });
});
