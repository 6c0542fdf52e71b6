import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, it } from "node:test";
import { parseConfig } from "../../../src/config/load.ts";
import { importWorkflows } from "../../../src/github/import/import.ts";
import type { Import } from "../../../src/github/import/types.ts";
import { lintWorkflows } from "../../../src/github/lint/lint.ts";
import { workflowsOf } from "../../../src/github/workflows/generate.ts";
import { type Files, filesIn, treeOf } from "../../init/fixtures.ts";
import { assertValid } from "../workflows/validate.ts";

const repositories = join(import.meta.dirname, "repositories");
const kept = join(import.meta.dirname, "proposed");
const names = readdirSync(repositories)
  .map((name) => basename(name, ".txt"))
  .toSorted();
const action = { uses: "shiplock/shiplock@1f2e3d4c5b6a798897a6b5c4d3e2f1a0b9c8d7e6", version: "v0.1.0" };

function filesOf(name: string): Files {
  return filesIn(readFileSync(join(repositories, `${name}.txt`), "utf8"));
}

function imported(files: Files, repository: string | null = "acme/shop"): Import {
  const workflows = Object.fromEntries(Object.entries(files).filter(([path]) => path.startsWith(".github/")));
  return importWorkflows(workflows, treeOf(files), { root: "/repository", repository });
}

/** What is kept beside the test, read by a person: the proposal, what it asks and what it left. */
function told({ text, questions, left, notes, missing, problems }: Import): string {
  const said = [
    ...problems.map((problem) => `problem ${problem}`),
    ...questions.map(({ file, line, key, question }) => `question ${key}: ${question} (${file}:${line})`),
    ...left.map(
      ({ file, line, what, why, instead }) => `left ${file}:${line} ${what}\n  why: ${why}\n  instead: ${instead}`,
    ),
    ...notes.map((note) => `note ${note}`),
    ...missing.map((path) => `missing ${path}`),
  ];
  return `${text}\n---\n${said.join("\n")}\n`;
}

describe("workflows that a team wrote become a proposal", () => {
  for (const name of names) {
    it(`${name}: the proposal is the one that a person has read`, () => {
      const path = join(kept, `${name}.txt`);
      const now = told(imported(filesOf(name)));
      if (process.env["SHIPLOCK_KEEP"] === "yes") {
        mkdirSync(kept, { recursive: true });
        writeFileSync(path, now);
      }
      assert.equal(now, existsSync(path) ? readFileSync(path, "utf8") : "");
    });

    it(`${name}: the proposal loads, and the workflows of it are right for GitHub and for the linter`, async () => {
      const { text, problems } = imported(filesOf(name));
      assert.deepEqual(problems, []);
      const config = parseConfig(text, "/repository/shiplock.yml");
      const files = workflowsOf({ config, configPath: "shiplock.yml", action, previews: null });
      await assertValid(files);
      const sources = Object.fromEntries(files.map((file) => [`.github/workflows/${file.name}`, file.text]));
      assert.deepEqual(lintWorkflows(sources), []);
    });
  }
});
