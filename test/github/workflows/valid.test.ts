import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import type { ConfigInput } from "../../../src/config/schema.ts";
import { ShiplockError } from "../../../src/errors.ts";
import type { WorkflowFile } from "../../../src/github/workflows/types.ts";
import { anyInput, kinds, workflows } from "./samples.ts";
import { assertValid, complaintsOf } from "./validate.ts";

const page = await readFile(new URL("../../../docs/configuration.md", import.meta.url), "utf8");
const everyKey = parse(/```yaml\n([^]*?)```/.exec(page)?.[1] ?? "") as ConfigInput;

describe("GitHub's own parser and validator take the workflows", () => {
  for (const [kind, written] of Object.entries({ ...kinds, "every key": everyKey }))
    test(`of ${kind}`, async () => assertValid(workflows(written)));

  test("of previews, once a configuration can ask for them", async () => {
    const previews = { sweep: "0 * * * *", secrets: ["DATABASE_PASSWORD"], hosts: "ssh" } as const;
    const files = workflows(kinds["a push to staging"] ?? everyKey, { previews });
    assert.ok(files.some(({ name }) => name === "shiplock-preview.yml"));
    await assertValid(files);
  });

  test("of any configuration", async () => {
    await fc.assert(
      fc.asyncProperty(anyInput, async (written) => assertValid(made(written))),
      { numRuns: 25 },
    );
  });

  test("and would not take one with a mistake", async () => {
    const [file] = workflows(kinds["a push to staging"] ?? everyKey).filter(
      ({ name }) => name === "shiplock-deploy.yml",
    );
    const mistakes: readonly (readonly [string, string])[] = [
      ["queue: max", "queue: some"],
      ["deployment: false", "deploiment: false"],
      ["github.ref ==", "gihtub.ref =="],
      ["deployments: write", "deployments: wirte"],
      ["branches: [main]", "branchs: [main]"],
      ["github.ref == 'refs/heads/main'", "github.ref == refs/heads/main"],
    ];
    for (const [right, wrong] of mistakes) {
      assert.ok(file !== undefined && file.text.includes(right), right);
      const changed: WorkflowFile = { name: "wrong.yml", text: file.text.replace(right, wrong) };
      assert.notDeepEqual(await complaintsOf(changed), [], wrong);
    }
  });
});

/** Those of a configuration that is not refused: two environments that come at one time from different branches are. */
function made(written: ConfigInput): readonly WorkflowFile[] {
  try {
    return workflows(written);
  } catch (error) {
    if (error instanceof ShiplockError && error.code === "workflows/one-time-two-branches") return [];
    throw error;
  }
}
