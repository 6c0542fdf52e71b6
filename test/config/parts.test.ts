import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { interpolate } from "../../src/config/interpolate.ts";
import { jsonSchemaText, keyTable } from "../../src/config/json-schema.ts";
import { parseConfig } from "../../src/config/load.ts";
import { nearest } from "../../src/config/nearest.ts";
import { listKeys } from "../../src/config/schema-keys.ts";
import { parseDuration, parseSize } from "../../src/config/units.ts";
import { errorOf } from "./example.ts";

const page = await readFile(new URL("../../docs/configuration.md", import.meta.url), "utf8");
const regenerate = "run node src/config/generate.ts";

test("a text is filled in with variables, defaults and dollar signs", () => {
  const variables = { A: "1", EMPTY: "", DOLLAR: "${A}" };
  assert.equal(
    interpolate("${A}-${B:-two}-${EMPTY:-three}-${EMPTY}-$$A-$5-${B:-}$", variables),
    "1-two-three--$A-$5-$",
  );
  assert.equal(interpolate("${DOLLAR}", variables), "${A}");
  assert.equal(interpolate("${A:?needed}", variables), "1");
});

test("a variable without a value is told by name, message and place", () => {
  const error = errorOf(() =>
    interpolate("${EMPTY:?set it in CI}", { EMPTY: "" }, { file: "shiplock.yml", line: 3, column: 7 }),
  );
  assert.equal(error.code, "config/unset-variable");
  assert.equal(error.message, 'The variable EMPTY is empty: "set it in CI".');
  assert.deepEqual(error.where, { file: "shiplock.yml", line: 3, column: 7 });
  assert.equal(errorOf(() => interpolate("${constructor}", {})).code, "config/unset-variable");
  for (const text of ["${", "${A", "${}", "${A B}", "$A", "${A:-${B}}", "${A-b}"]) {
    assert.equal(errorOf(() => interpolate(text, { A: "1" })).code, "config/bad-reference", text);
  }
});

test("durations are milliseconds", () => {
  const known = {
    "500ms": 500,
    "10s": 10_000,
    "5m": 300_000,
    "1m30s": 90_000,
    "1.5s": 1500,
    "24d": 2_073_600_000,
    "0s": 0,
  };
  for (const [text, milliseconds] of Object.entries(known)) assert.equal(parseDuration(text), milliseconds, text);
  assert.equal(parseDuration(0), 0);
  for (const text of ["", "5", "5 s", "-5s", "s", "25d", "0.1ms", "5x", "1e3s"])
    assert.equal(parseDuration(text), undefined, text);
});

test("sizes are bytes, in thousands or 1024s", () => {
  const known = {
    "512MB": 512_000_000,
    "512MiB": 536_870_912,
    "1.5GB": 1_500_000_000,
    "2TiB": 2_199_023_255_552,
    "7B": 7,
  };
  for (const [text, bytes] of Object.entries(known)) assert.equal(parseSize(text), bytes, text);
  for (const text of ["", "512", "512m", "0.3B", "-1MB", "9999999TB"]) assert.equal(parseSize(text), undefined, text);
});

test("the nearest name forgives typing, swaps, case and endings, and nothing else", () => {
  const names = ["context", "health", "services", "image", "web", "api"];
  const meant = {
    contxt: "context",
    healht: "health",
    Service: "services",
    healthcheck: "health",
    imgae: "image",
    wbe: "web",
    WEB: "web",
  };
  for (const [written, name] of Object.entries(meant)) assert.equal(nearest(written, names), name, written);
  for (const written of ["zzz", "x", "", "database", "xyz"]) assert.equal(nearest(written, names), undefined, written);
});

test("the JSON Schema for editors is the one the schema makes", async () => {
  const written = await readFile(new URL("../../schema/shiplock.schema.json", import.meta.url), "utf8");
  assert.ok(written === jsonSchemaText(), `schema/shiplock.schema.json is out of date: ${regenerate}`);
});

test("the documentation lists every key with its meaning", () => {
  for (const key of listKeys()) assert.notEqual(key.description, "", key.path);
  assert.ok(
    page.includes(`<!-- keys -->\n${keyTable()}\n<!-- /keys -->`),
    `the table of keys is out of date: ${regenerate}`,
  );
});

test("the documentation's example loads and has every key in it", () => {
  const example = /```yaml\n([^]*?)```/.exec(page)?.[1] ?? "";
  const config = parseConfig(example, "/shop/shiplock.yml");
  assert.deepEqual(Object.keys(config.environments), ["staging", "preview-box", "sandbox", "production"]);
  for (const { path } of listKeys()) {
    const key = path.split(".").at(-1) ?? "";
    assert.match(example, new RegExp(`(?:^|[\\s{,-])${key}:`, "m"), path);
  }
});
