import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { it } from "node:test";
import { lintWorkflows } from "../../../src/github/lint/lint.ts";

const folder = new URL("by-hand/.github/workflows/", import.meta.url);

it("a team's workflows, written by hand as one finds them, are told every race in them at its line", () => {
  const names = readdirSync(folder).sort();
  const sources = Object.fromEntries(names.map((name) => [name, readFileSync(new URL(name, folder), "utf8")]));
  const found = lintWorkflows(sources);
  const told = names.map((name) => [
    name,
    found.filter(({ file }) => file === name).map(({ line, rule }) => `${line} ${rule}`),
  ]);
  assert.deepEqual(Object.fromEntries(told), {
    "production.yml": [
      "5 broad-permissions",
      "6 production-without-staging",
      "9 waiting-run-dropped",
      "16 open-record",
      "18 branch-record",
      "26 production-rebuild",
      "27 mutable-tag",
      "28 unpinned-action",
      "28 unpinned-host-key",
      "35 script-injection",
      "36 mutable-tag",
      "37 no-health-check",
    ],
    "rollback.yml": [
      "8 broad-permissions",
      "13 split-lock",
      "18 long-lived-cloud-key",
      "21 script-injection",
      "24 rollback-second-newest",
      "27 unpinned-host-key",
    ],
    "staging.yml": [
      "9 deploy-cancelled",
      "10 broad-permissions",
      "23 workflow-run-conclusion",
      "25 condition-always-true",
      "29 workflow-run-commit",
      "30 unpinned-action",
      "35 unpinned-action",
      "38 workflow-run-commit",
      "40 secret-build-argument",
      "44 unpinned-host-key",
      "46 remote-errors-ignored",
      "47 pointer-before-pull",
      "47 workflow-run-commit",
      "48 login-left-behind",
      "54 fixed-sleep",
    ],
  });
});
