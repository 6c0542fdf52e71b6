import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type Answers, answersOf } from "../../src/config/init/answers.ts";
import { withExisting } from "../../src/config/init/existing-answers.ts";
import { type Proposal, propose } from "../../src/config/init/propose.ts";
import { parseConfig } from "../../src/config/load.ts";
import { type Files, readRepository, repositoryNames, textOfFiles, treeOf } from "./fixtures.ts";

const folder = join(import.meta.dirname, "written");
const flags = { name: null, hosts: [], domains: [], registry: null, tls: null, buildNetwork: null };
const nobody = answersOf(flags);
const answered = answersOf({
  ...flags,
  hosts: ["deploy@203.0.113.5"],
  domains: ["tea.test"],
  registry: "http://10.0.0.1:5000/tea",
  tls: "off",
  buildNetwork: "host",
});

function proposed(files: Files, answers: Answers = nobody): Proposal {
  return propose(treeOf(files), answers, "/repository");
}

/** The repository after init has written everything. */
function after(files: Files, { files: written }: Proposal): Files {
  return { ...files, ...Object.fromEntries(written.map(({ path, text }) => [path, text])) };
}

/** What is kept in `written/`: all files, then what was found and said. */
function told({ files, findings, notes, examples }: Proposal): string {
  const said = [
    ...findings.map(({ what, where, evidence }) => `found ${what} in ${where}: ${evidence.join("; ")}`),
    ...notes.map((note) => `note ${note}`),
    ...examples.map((line) => `to fill in ${line}`),
  ];
  const texts = Object.fromEntries(files.map(({ path, text }) => [path, text]));
  return `${said.join("\n")}\n${textOfFiles(texts)}`;
}

for (const name of repositoryNames) {
  describe(`a repository of the kind ${name}`, () => {
    const files = readRepository(name);

    test("gets exactly the files that are kept in test/init/written", () => {
      const kept = join(folder, `${name}.txt`);
      const text = told(proposed(files, answered));
      // SHIPLOCK_KEEP_WRITTEN=1 keeps what is written now; the change is looked at in the commit.
      if (process.env["SHIPLOCK_KEEP_WRITTEN"] !== undefined) {
        mkdirSync(folder, { recursive: true });
        writeFileSync(kept, text);
      }
      assert.ok(existsSync(kept), `${kept} is missing`);
      assert.equal(text, readFileSync(kept, "utf8"));
    });

    for (const [how, answers] of [
      ["with every answer", answered],
      ["without one", nobody],
    ] as const) {
      test(`gets a configuration that this program takes, ${how}`, () => {
        const text = proposed(files, answers).files.find(({ path }) => path === "shiplock.yml")?.text ?? "";
        const config = parseConfig(text, "/repository/shiplock.yml");
        assert.deepEqual(Object.keys(config.environments), ["staging", "production"]);
        assert.ok(Object.keys(config.services).length > 0);
      });
    }

    test("says which lines hold examples, and none once everything is answered", () => {
      const { examples } = proposed(files, nobody);
      assert.ok(examples.some((line) => line.includes("deploy@staging.example.com")));
      assert.ok(examples.some((line) => line.includes("deploy@production.example.com")));
      assert.deepEqual(
        proposed(files, answered).examples.filter((line) => !/^\d+: [A-Z_]+: ""$/.test(line)),
        [],
      );
    });

    test("is left as it is when init runs again", () => {
      const first = proposed(files, answered);
      const written = after(files, first);
      const again = propose(treeOf(written), withExisting(nobody, treeOf(written)), "/repository");
      const different = again.files.filter(({ path, text }) => written[path] !== text);
      assert.deepEqual(
        different.map(({ path }) => path),
        [],
      );
      assert.deepEqual(again.findings, first.findings);
    });

    test("gets no Dockerfile that needs another syntax image, and none that runs as root", () => {
      for (const { path, text } of proposed(files).files) {
        if (!/(^|\/)Dockerfile$/.test(path)) continue;
        assert.doesNotMatch(text, /syntax=/);
        assert.match(text, /^USER 1000:1000$/m);
        assert.match(text, /^CMD \["/m);
        const [first = "", ...others] = text
          .split(/^FROM /m)
          .slice(1)
          .toReversed();
        assert.doesNotMatch(first, /BUILDPLATFORM/, "the last stage is the target's");
        assert.ok(others.length > 0, "there is more than one stage");
      }
    });
  });
}
