import assert from "node:assert/strict";
import { test } from "node:test";
import { maskedLogs } from "../../src/cli/masked-logs.ts";
import { createMasker } from "../../src/secrets/mask.ts";
import type { LogLine } from "../../src/targets/types.ts";

async function* logs(written: readonly (readonly [string, string])[], end: () => void = () => undefined) {
  for (const [container, line] of written) yield { host: "one", container, service: "web", line };
  end();
}

async function shown(lines: AsyncIterable<LogLine>): Promise<string[]> {
  const told: string[] = [];
  try {
    for await (const { container, line } of maskedLogs(lines, createMasker(["hunter22-of-the-shop"])))
      told.push(`${container} ${line}`);
  } catch (error) {
    told.push(String(error));
  }
  return told;
}

test("the log of a service that prints its secret has none of it, however it breaks the lines and whoever speaks between", async () => {
  const written = [
    ["web-1", "connecting with hunter22-of-the-shop"],
    ["web-1", "in base64 aHVudGVyMjIt"],
    ["web-2", "ready"],
    ["web-1", "b2YtdGhlLXNob3A="],
    ["web-1", "done"],
  ] as const;
  assert.deepEqual(await shown(logs(written)), [
    "web-1 connecting with ***",
    "web-2 ready",
    "web-1 in base64 ***",
    "web-1 ***",
    "web-1 done",
  ]);
});

test("what a log said before it broke off is shown to its end", async () => {
  const broken = logs([["web-1", "hunter22-of"]], () => {
    throw new Error("the connection is gone");
  });
  assert.deepEqual(await shown(broken), ["web-1 hunter22-of", "Error: the connection is gone"]);
});
