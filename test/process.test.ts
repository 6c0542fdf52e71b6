import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runProgram } from "../src/process.ts";

describe("a program", () => {
  it("is heard letter by letter, also where one of several bytes arrives in two pieces", async () => {
    const lines: string[] = [];
    // Half of é, and the rest a while later.
    const script = "printf 'geh\\303'; sleep 0.2; printf '\\251im\\n'";
    const options = { timeoutMs: 10_000, onLine: (line: string) => lines.push(line) };
    const { stdout } = await runProgram("sh", ["-c", script], options);
    assert.deepEqual(lines, ["gehéim"]);
    assert.equal(stdout, "gehéim\n");
  });

  it("that has ended is not waited for because of what it left running with its output in hand", async () => {
    const began = performance.now();
    const { stdout } = await runProgram("sh", ["-c", "setsid sleep 8 & echo value"], { timeoutMs: 20_000 });
    assert.equal(stdout, "value\n");
    assert.ok(performance.now() - began < 6_000);
  });

  it("whose time is over is an error soon afterwards, whatever it left running", async () => {
    const began = performance.now();
    await assert.rejects(runProgram("sh", ["-c", "setsid sleep 8 & sleep 30"], { timeoutMs: 200 }), {
      code: "program/timeout",
    });
    assert.ok(performance.now() - began < 6_000);
  });
});
