import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { readCheckedFiles } from "../../src/checks/run/source.ts";
import { judgeLeaks } from "../../src/environments/gates/leaks.ts";
import { type KnownClean, openKnownClean } from "../../src/secrets/leaks/known-clean.ts";
import { secretlintRules } from "../../src/secrets/leaks/rules.ts";
import { type LeakScan, scanForLeaks } from "../../src/secrets/leaks/scan.ts";
import type { LeakReport } from "../../src/secrets/leaks/types.ts";
import { rulesVersion } from "../../src/secrets/leaks/version.ts";

// Put together here, so that this file holds none.
const token = `ghp_${"a1B2c3D4e5F6".repeat(3)}`;
const ownSecret = "the-session-key-of-production";

type Repository = {
  readonly looked: string[];
  scan(files: Record<string, string | Buffer>, options?: Partial<LeakScan>): Promise<LeakReport>;
};

function createRepository(t: TestContext): Repository {
  const folder = mkdtempSync(join(tmpdir(), "shiplock-leaks-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const known = openKnownClean(join(folder, "state", "shop.json"), (error) => assert.fail(String(error)));
  const looked: string[] = [];
  let trees = 0;
  return {
    looked,
    async scan(files, options = {}) {
      const root = join(folder, "tree");
      rmSync(root, { recursive: true, force: true });
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), content);
      }
      symlinkSync("/etc/passwd", join(root, "link"));
      const checked = await readCheckedFiles(root, "", [...Object.keys(files), "link"]);
      trees += 1;
      return scanForLeaks({
        root,
        files: async () => checked.files,
        tree: `tree ${trees}`,
        secrets: {},
        rules: async () => {
          const rules = await secretlintRules();
          return {
            find: (file, text) => {
              looked.push(file);
              return rules.find(file, text);
            },
          };
        },
        rulesVersion,
        known,
        signal: new AbortController().signal,
        ...options,
      });
    },
  };
}

test("a token, a private key and a login in an address are found with file, line, column and rule, and without their value", async (t) => {
  const repository = createRepository(t);
  const key = [
    "-----BEGIN RSA ",
    "PRIVATE KEY-----\n",
    "MIIEpAIBAAKCAQEA".repeat(8),
    "\n-----END RSA ",
    "PRIVATE KEY-----",
  ];
  const password = ["https://ada:", "correct-horse-", "battery@example.com/"];
  const { leaks } = await repository.scan({
    "src/config.ts": `// settings\nconst token = "${token}";\n`,
    "deploy/id_rsa": key.join(""),
    "README.md": `see ${password.join("")} for it`,
    "src/clean.ts": "export const nothing = 1;\n",
  });
  assert.deepEqual(
    leaks.map(({ file, line, column, rule }) => `${file}:${line}:${column} ${rule}`),
    ["README.md:1:5 basicauth", "deploy/id_rsa:1:1 privatekey", "src/config.ts:2:16 github"],
  );
  const told = JSON.stringify(leaks);
  for (const value of [token, "MIIEpAIBAAKCAQEA", "correct-horse"]) assert.ok(!told.includes(value), told);
  assert.match(leaks[2]?.what ?? "", /GitHub Token/);
});

test("the value of a declared secret is found in a committed file in any form, by the secret's name", async (t) => {
  const repository = createRepository(t);
  const { leaks } = await repository.scan(
    {
      ".env": `PORT=3000\nSESSION_KEY=${ownSecret}\n`,
      "k8s.yml": `data:\n  key: ${Buffer.from(ownSecret).toString("base64")}\n`,
      "short.txt": "1234",
    },
    { secrets: { SESSION_KEY: ownSecret, PIN: "1234" } },
  );
  assert.deepEqual(leaks, [
    {
      file: ".env",
      line: 2,
      column: 13,
      rule: "declared-secret",
      what: "the value of the declared secret SESSION_KEY",
    },
    {
      file: "k8s.yml",
      line: 2,
      column: 8,
      rule: "declared-secret",
      what: "the value of the declared secret SESSION_KEY",
    },
  ]);
});

test("binary files and links are no text, and a text file of more than 1 MB is told and not passed over in silence", async (t) => {
  const { scan } = createRepository(t);
  const long = `${"a line of data\n".repeat(80_000)}${token}`;
  const { leaks, tooLong } = await scan({
    "photo.png": Buffer.from(`\u0089PNG\u0000${token}`, "latin1"),
    "data.csv": long,
  });
  assert.deepEqual({ leaks, tooLong }, { leaks: [], tooLong: ["data.csv"] });
});

test("what was looked through is not looked through again: of another commit only the files that changed", async (t) => {
  const repository = createRepository(t);
  const files = { "a.ts": "const a = 1;", "b.ts": "const b = 2;" };
  await repository.scan(files, { tree: "first" });
  assert.deepEqual(repository.looked.splice(0), ["a.ts", "b.ts"]);
  await repository.scan(files, { tree: "first", files: () => assert.fail("an unchanged tree is not even listed") });
  await repository.scan({ ...files, "b.ts": "const b = 3;" }, { tree: "second" });
  assert.deepEqual(repository.looked.splice(0), ["b.ts"]);
});

test("a tree is looked through again when a secret gets another value, when the rules change, and as long as something is found", async (t) => {
  const repository = createRepository(t);
  const files = { "a.ts": `const a = "${ownSecret}";` };
  const once = { tree: "first" };
  assert.equal((await repository.scan(files, once)).leaks.length, 0);
  const known = { ...once, secrets: { SESSION_KEY: ownSecret } };
  assert.equal((await repository.scan(files, known)).leaks.length, 1);
  assert.equal((await repository.scan(files, known)).leaks.length, 1);
  repository.looked.splice(0);
  await repository.scan(files, { ...once, rulesVersion: "secretlint 99" });
  assert.deepEqual(repository.looked, ["a.ts"]);
});

test("what is remembered holds no secret, and a memory that is broken is none", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "shiplock-leaks-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "shop.json");
  const known: KnownClean = openKnownClean(path, () => assert.fail("it can be written"));
  await createRepository(t).scan({ "a.ts": "1" }, { known, secrets: { SESSION_KEY: ownSecret } });
  assert.ok(!readFileSync(path, "utf8").includes(ownSecret));
  assert.equal((await known.read(rulesVersion)).trees.length, 1);
  writeFileSync(path, '{"trees": 1');
  assert.deepEqual((await known.read(rulesVersion)).trees, []);
  const unwritten: unknown[] = [];
  await openKnownClean(join(path, "below-a-file"), (error) => unwritten.push(error)).write({
    rulesVersion,
    trees: [],
    files: [],
  });
  assert.equal(unwritten.length, 1);
});

test("the rules' version is the one that is installed, so that new rules look through everything again", () => {
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    packages: Record<string, { version: string }>;
  };
  const installed = lock.packages["node_modules/@secretlint/secretlint-rule-preset-recommend"]?.version;
  assert.match(rulesVersion, new RegExp(`^secretlint ${installed}, forms \\d+$`));
});

test("the gate blocks what is not let through by file and rule, and says what was let through", () => {
  const leak = { file: "test/fixtures/key.pem", line: 1, column: 1, rule: "privatekey", what: "private key" };
  const ignore = { file: "test/fixtures/**", rule: "privatekey", reason: "made for the tests" };
  const blocked = judgeLeaks({ policy: { ignore: [] }, leaks: [leak] });
  assert.equal(blocked.decision.reason, "1 place in test/fixtures/key.pem looks like a secret");
  assert.equal(blocked.decision.answer, "block");
  const passed = judgeLeaks({ policy: { ignore: [ignore] }, leaks: [leak] });
  assert.equal(passed.decision.reason, "no secret is committed, but for 1 place that is let through");
  assert.deepEqual(passed.letThrough, [{ leak, by: ignore }]);
  for (const other of [
    { ...ignore, file: "src/**" },
    { ...ignore, rule: "aws" },
  ])
    assert.equal(judgeLeaks({ policy: { ignore: [other] }, leaks: [leak] }).decision.answer, "block");
  assert.equal(judgeLeaks({ policy: "off", leaks: [] }).decision.reason, "leaks: off");
});

test("a value that stands in thousands of places is named at each of them, and soon", async (t) => {
  const places = 20_000;
  const secrets = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`PASSWORD_${at}`, `ordinary-word-${at}`]));
  const began = performance.now();
  const { leaks } = await createRepository(t).scan(
    { "words.txt": "one ordinary-word-7 of many,\n".repeat(places) },
    { secrets },
  );
  assert.equal(leaks.length, places);
  assert.deepEqual(leaks.at(-1) && [leaks.at(-1)?.line, leaks.at(-1)?.column, leaks.at(-1)?.what], [
    places,
    5,
    "the value of the declared secret PASSWORD_7",
  ]);
  assert.ok(performance.now() - began < 8_000);
});
