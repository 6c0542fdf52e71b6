import assert from "node:assert/strict";
import { test } from "node:test";
import { buildLines } from "../../src/cli/build-lines.ts";

function shown(lines: readonly string[]): string[] {
  const read = buildLines();
  return lines.flatMap((line) => read(line) ?? []);
}

test("a build shows the steps that had something to do, once each, and is silent about what the cache answered", () => {
  const lines = [
    "#1 [internal] load build definition from Dockerfile",
    "#1 DONE 0.0s",
    "#5 [2/4] COPY package.json ./",
    "#5 CACHED",
    "#6 [3/4] RUN npm ci",
    "#6 1.203 added 12 packages",
    "#6 1.204 done",
    "#6 DONE 1.3s",
    "#7 [4/4] COPY . .",
    "#7 DONE 0.1s",
    "pushed registry.example.com/web:staging-main-1234567",
  ];
  assert.deepEqual(shown(lines), [
    "[3/4] RUN npm ci",
    "[4/4] COPY . .",
    "pushed registry.example.com/web:staging-main-1234567",
  ]);
});

test("a build step that fails is shown with what BuildKit says of it", () => {
  const lines = [
    "#6 [3/4] RUN npm ci",
    '#6 ERROR: process "/bin/sh -c npm ci" did not complete successfully: exit code: 1',
  ];
  assert.deepEqual(shown(lines), ['ERROR: process "/bin/sh -c npm ci" did not complete successfully: exit code: 1']);
});
