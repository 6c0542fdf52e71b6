import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Config } from "../../../src/config/types.ts";
import { ShiplockError } from "../../../src/errors.ts";
import { lintWorkflows } from "../../../src/github/lint/lint.ts";
import { readFile as readWorkflow } from "../../../src/github/read/file.ts";
import { projectOf } from "../../../src/github/read/project.ts";
import { workflowsOf } from "../../../src/github/workflows/generate.ts";
import type { WorkflowInput } from "../../../src/github/workflows/types.ts";
import { load } from "../../config/example.ts";

const action = { uses: "shiplock/shiplock@1f2e3d4c5b6a798897a6b5c4d3e2f1a0b9c8d7e6", version: "v0.1.0" };
const page = await readFile(new URL("../../../docs/configuration.md", import.meta.url), "utf8");
const everyKey = load(/```yaml\n([^]*?)```/.exec(page)?.[1] ?? "");

function generated(config: Config, previews: WorkflowInput["previews"]): Readonly<Record<string, string>> {
  const files = workflowsOf({ config, configPath: "shiplock.yml", action, previews });
  return Object.fromEntries(files.map(({ name, text }) => [`.github/workflows/${name}`, text]));
}

/** Findings as lines, with the text that they are about. */
function told(sources: Readonly<Record<string, string>>): readonly string[] {
  return lintWorkflows(sources).map(
    ({ file, line, rule, message }) =>
      `${file}:${line} ${rule}: ${message}\n${sources[file]?.split("\n")[line - 1] ?? ""}`,
  );
}

/** The environments that some job of these files is seen to deploy to. */
function deployedTo(sources: Readonly<Record<string, string>>): readonly string[] {
  const { jobs } = projectOf(Object.entries(sources).map(([file, text]) => readWorkflow(file, text)));
  return [...new Set(jobs.filter(({ deploys }) => deploys).flatMap(({ environments }) => environments))].sort();
}

type Drawn = { name: string; on: Readonly<Record<string, readonly string[]>>; after: boolean; local: boolean };

function configOf(environments: readonly Drawn[], checks: boolean): string {
  const one = ({ name, on, after, local }: Drawn, index: number): string => {
    const before = environments[index - 1]?.name;
    return [
      `  ${name}:`,
      `    target: { compose: { hosts: [${local ? "local" : `deploy@${name}.example.com`}] } }`,
      `    strategy: rolling`,
      ...(Object.keys(on).length === 0 ? [] : [`    on: ${JSON.stringify(on)}`]),
      ...(after && before !== undefined ? [`    after: { ${before}: healthy }`] : []),
    ].join("\n");
  };
  return [
    "project: shop",
    "registry: { address: registry.example.com/shop }",
    "images: { web: { context: web } }",
    ...(checks ? ["checks: { test: { image: node:24-slim, run: npm test } }"] : []),
    "services: { web: { image: web, port: 3000, health: /health } }",
    "environments:",
    ...environments.map(one),
    "",
  ].join("\n");
}

describe("the linter and the workflows that Shiplock writes", () => {
  it("finds nothing in those of a configuration with every key, with and without previews", () => {
    for (const previews of [null, { sweep: "0 4 * * *", secrets: ["PREVIEW_TOKEN"], hosts: "ssh" as const }]) {
      const sources = generated(everyKey, previews);
      assert.deepEqual(told(sources), []);
      for (const environment of ["production", "staging"])
        assert.ok(deployedTo(sources).includes(environment), environment);
    }
  });

  it("finds nothing in those of any configuration", () => {
    const on = fc.constantFrom<Drawn["on"]>(
      ...[
        {},
        { push: ["main"] },
        { push: ["main", "release/*"] },
        { tags: ["v*"] },
        { push: ["main"], checks: ["CI"] },
      ],
      ...[
        { schedule: ["0 3 * * 1-5"], push: ["main"] },
        { push: ["main"], tags: ["v*"] },
      ],
    );
    const names = fc.uniqueArray(fc.constantFrom("staging", "production", "qa", "preview-box", "sandbox"), {
      minLength: 1,
      maxLength: 3,
    });
    const environments = names.chain((all) =>
      fc.tuple(
        ...all.map((name) => fc.record({ name: fc.constant(name), on, after: fc.boolean(), local: fc.boolean() })),
      ),
    );
    let made = 0;
    fc.assert(
      fc.property(environments, fc.boolean(), (drawn, checks) => {
        const sources = generatedOrNull(configOf(drawn, checks));
        fc.pre(sources !== null);
        made += 1;
        assert.deepEqual(told(sources), []);
        assert.deepEqual(deployedTo(sources), drawn.map(({ name }) => name).sort());
      }),
      { numRuns: 60 },
    );
    assert.ok(made > 0);
  });

  it("finds it when somebody changes one of them by hand", () => {
    const ci = load(
      configOf([{ name: "staging", on: { push: ["main"], checks: ["CI"] }, after: false, local: false }], false),
    );
    const change = (from: RegExp, to: string): readonly string[] => {
      const sources = Object.fromEntries(
        Object.entries(generated(ci, null)).map(([file, text]) => [file, text.replaceAll(from, () => to)]),
      );
      return [...new Set(lintWorkflows(sources).map(({ rule }) => rule))];
    };
    assert.deepEqual(change(/cancel-in-progress: false/g, "cancel-in-progress: true"), ["deploy-cancelled"]);
    assert.deepEqual(change(/\n *queue: max/g, ""), ["waiting-run-dropped"]);
    assert.deepEqual(change(/workflow_run\.conclusion == 'success'/g, "workflow_run.event == 'push'"), [
      "workflow-run-conclusion",
    ]);
    assert.deepEqual(change(/shiplock\/shiplock@[0-9a-f]{40}/g, "shiplock/shiplock@main"), ["unpinned-action"]);
  });
});

/** Null for a configuration that nobody can have. */
function generatedOrNull(text: string): Readonly<Record<string, string>> | null {
  try {
    return generated(load(text), null);
  } catch (error) {
    if (error instanceof ShiplockError) return null;
    throw error;
  }
}
