import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { load } from "../../config/example.ts";
import { workflowsOf } from "../../../src/github/workflows/generate.ts";
import { assertValid } from "./validate.ts";

const action = { uses: "shiplock/shiplock@1f2e3d4c5b6a798897a6b5c4d3e2f1a0b9c8d7e6", version: "v0.1.0" };
const page = await readFile(new URL("../../../docs/configuration.md", import.meta.url), "utf8");
const everyKey = load(/```yaml\n([^]*?)```/.exec(page)?.[1] ?? "");

describe("generated workflows", () => {
  test("pass GitHub's own validator and parser", async () => {
    const files = workflowsOf({ config: everyKey, configPath: "shiplock.yml", action, previews: null });
    assert.deepEqual(
      files.map(({ name }) => name),
      ["shiplock-pull-request.yml", "shiplock-deploy.yml", "shiplock-manual.yml", "shiplock-release.yml"],
    );
    await assertValid(files);
  });
});
