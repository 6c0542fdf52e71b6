import assert from "node:assert/strict";
import { test } from "node:test";
import { showBuild } from "../../src/cli/build-lines.ts";
import { createOutput } from "../../src/cli/output.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import type { BuildEvent } from "../../src/release/build.ts";

const config = resolveConfig(
  {
    project: "shop",
    registry: { address: "registry.test/shop" },
    images: { web: {}, api: { platforms: ["linux/amd64", "linux/arm64"] } },
    services: {},
    environments: {},
  },
  "/shop/shiplock.yml",
);

function shown(image: string, events: readonly BuildEvent[], json?: string): string[] {
  const written: string[] = [];
  const stream = { write: (text: string) => written.push(text) };
  const output = createOutput({ json, stdout: stream, stderr: stream, environment: {} });
  output.hide(["hunter22"]);
  const { tell } = showBuild(output, config);
  for (const event of events) tell(image, "linux/arm64", event);
  return written.map((text) => text.trimEnd());
}

test("a build shows each instruction when it begins or that it was cached, what it writes, and its time when it took some", () => {
  const events: BuildEvent[] = [
    { kind: "step-began", step: "[internal] load build definition from Dockerfile" },
    { kind: "step-done", step: "[internal] load build definition from Dockerfile", ms: 900 },
    { kind: "step-cached", step: "[build 2/4] COPY package.json ./" },
    { kind: "step-began", step: "[build 3/4] RUN npm ci" },
    { kind: "log", step: "[build 3/4] RUN npm ci", line: "added 12 packages" },
    { kind: "step-done", step: "[build 3/4] RUN npm ci", ms: 1_240 },
    { kind: "step-began", step: "[build 4/4] COPY . ." },
    { kind: "step-done", step: "[build 4/4] COPY . .", ms: 20 },
    { kind: "warning", text: "FromAsCasing: 'as' and 'FROM' keywords' casing do not match" },
  ];
  assert.deepEqual(shown("web", events), [
    "  web │ CACHED [build 2/4] COPY package.json ./",
    "  web │ [build 3/4] RUN npm ci",
    "  web │   added 12 packages",
    "  web │ [build 3/4] RUN npm ci took 1.2 s",
    "  web │ [build 4/4] COPY . .",
    "  web │ warning: FromAsCasing: 'as' and 'FROM' keywords' casing do not match",
  ]);
});

test("the lines of an image for several platforms name the platform, and a secret in them is masked", () => {
  const events: BuildEvent[] = [
    { kind: "log", step: "[2/2] RUN login", line: "using hunter22" },
    { kind: "step-failed", step: "[2/2] RUN login", ms: 300, reason: "exit code: 1" },
  ];
  assert.deepEqual(shown("api", events), [
    "  api linux/arm64 │   using ***",
    "  api linux/arm64 │ FAILED [2/2] RUN login after 0.3 s: exit code: 1",
  ]);
});

test("with --json=stream every event of a build is one document", () => {
  const event: BuildEvent = { kind: "log", step: "[2/2] RUN login", line: "using hunter22" };
  const [line = ""] = shown("web", [event], "stream");
  assert.deepEqual(JSON.parse(line), {
    kind: "build",
    image: "web",
    platform: "linux/arm64",
    event: { ...event, line: "using ***" },
  });
});

test("an instruction of many lines is shown by its first", () => {
  const [line] = shown("web", [{ kind: "step-began", step: "[2/2] RUN <<EOF\nset -e\nmake\nEOF" }]);
  assert.equal(line, "  web │ [2/2] RUN <<EOF…");
});

test("a secret that a build writes over two lines is masked on both, and so is one that begins where a long instruction is cut", () => {
  const step = "[2/2] RUN login";
  const events: BuildEvent[] = [
    { kind: "log", step, line: "using hunt" },
    { kind: "log", step: "[3/3] RUN true", line: "between" },
    { kind: "log", step, line: "er22 now" },
    { kind: "log", step, line: "and hunt" },
    { kind: "step-done", step, ms: 20 },
    { kind: "step-began", step: `[4/4] RUN ${"x".repeat(145)} hunter22` },
  ];
  assert.deepEqual(shown("web", events), [
    "  web │   between",
    "  web │   using ***",
    "  web │   *** now",
    "  web │   and hunt",
    `  web │ [4/4] RUN ${"x".repeat(145)} ***`,
  ]);
});
