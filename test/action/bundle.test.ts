import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { hashOfSources } from "../../scripts/hash-sources.ts";

const root = join(import.meta.dirname, "../..");

test("action/index.js is what these sources make, and nobody changed it by hand", () => {
  const [first = "", ...rest] = readFileSync(join(root, "action/index.js"), "utf8").split("\n");
  const { sources, content } = /sources=(?<sources>\w+) content=(?<content>\w+)/.exec(first)?.groups ?? {};
  const renew = "run `npm run build:action` and commit action/index.js";
  assert.equal(content, createHash("sha256").update(rest.join("\n")).digest("hex"), `it was changed by hand: ${renew}`);
  assert.equal(sources, hashOfSources(root, ["scripts/build-action.ts"]), `it is older than the sources: ${renew}`);
});
