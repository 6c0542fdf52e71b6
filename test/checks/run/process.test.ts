import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { waitFor } from "../../lab/process.ts";
import { createStage } from "./stage.ts";

function alive(pid: number): boolean {
  try {
    // A process that ended and waits to be buried still has its number.
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

function scratchOf(run: string): string {
  return join(tmpdir(), `shiplock-check-${run}`);
}

describe("a check that runs as a process", () => {
  test("gets the files it names and no others, and little of this machine's environment", async (t) => {
    const stage = createStage(t);
    stage.write({ "src/a.ts": "a", "docs/b.md": "b" });
    const done = await stage.run(
      {
        look: {
          process: true,
          files: ["src/**"],
          env: { MODE: "strict" },
          secrets: ["TOKEN"],
          run: 'find . -type f; env | cut -d= -f1 | sort | tr "\\n" " "; echo "$MODE $CI $TOKEN"; test -d "$TMPDIR"',
        },
      },
      { secrets: { TOKEN: "s3cret-value" }, machine: { ...process.env, STRANGER: "1" } },
    );
    assert.equal(done.job("look").outcome, "passed");
    assert.match(done.output("look"), /^\.\/src\/a\.ts$/m);
    assert.doesNotMatch(done.output("look"), /b\.md|STRANGER|s3cret/);
    assert.match(done.output("look"), /strict true \*\*\*/);
    assert.equal(existsSync(scratchOf(done.run)), false);
  });

  test("that writes its secret over two lines, or on both of its streams, has it masked", async (t) => {
    const stage = createStage(t);
    const done = await stage.run(
      {
        spill: {
          process: true,
          secrets: ["TOKEN"],
          run: 'echo "in s3cret-"; echo "on $TOKEN" >&2; echo "value."; printf s3cret-',
        },
      },
      { secrets: { TOKEN: "s3cret-value" } },
    );
    assert.deepEqual(done.output("spill").split("\n").toSorted(), ["***.", "in ***", "on ***", "s3cret-"]);
  });

  test("killed by its timeout leaves no process behind, not even one with a session of its own", {
    skip: process.platform !== "linux",
  }, async (t) => {
    const stage = createStage(t);
    const done = await stage.run({
      slow: {
        process: true,
        timeout: "1s",
        run: "setsid sleep 300 & echo child $!; (sleep 300 & echo child $!); exec sleep 300",
      },
    });
    const { outcome, reasons } = done.job("slow");
    assert.equal(outcome, "timed-out");
    assert.deepEqual(reasons, ["it did not end within 1 s and was stopped"]);
    const children = [...done.output("slow").matchAll(/child (\d+)/g)].map((found) => Number(found[1]));
    assert.equal(children.length, 2);
    for (const pid of children) assert.equal(alive(pid), false, `process ${pid} is left`);
  });

  test("is not begun where the state folder cannot be written, and that is no fault of Shiplock's", async (t) => {
    const stage = createStage(t);
    mkdirSync(stage.state);
    writeFileSync(join(stage.state, "runs"), "a file where a folder should be");
    await assert.rejects(stage.run({ any: { process: true, run: "true" } }), { code: "check/state-folder" });
  });

  test("that leaves something running in the background is ended with it", {
    skip: process.platform !== "linux",
  }, async (t) => {
    const stage = createStage(t);
    const done = await stage.run({ daemon: { process: true, run: "setsid sleep 300 & echo child $!" } });
    assert.equal(done.job("daemon").outcome, "passed");
    assert.equal(alive(Number(/child (\d+)/.exec(done.output("daemon"))?.[1])), false);
  });

  test("is ended by an interruption, and what had not begun is not begun", async (t) => {
    const stage = createStage(t);
    const interrupt = new AbortController();
    const done = await stage.run(
      {
        slow: { process: true, run: "echo ready; sleep 300" },
        later: { process: true, needs: ["slow"], run: "true" },
      },
      {
        signal: interrupt.signal,
        onEvent: (event) => event.kind === "check-line" && event.text === "ready" && interrupt.abort("SIGINT"),
      },
    );
    assert.deepEqual(
      done.results.map((result) => result.outcome),
      ["cancelled", "cancelled"],
    );
    assert.equal(existsSync(scratchOf(done.run)), false);
    assert.deepEqual(readdirSync(join(stage.state, "runs")), []);
  });

  test("hands its artifacts to those that need it, at the same place, and they are kept, also after a failure", async (t) => {
    const stage = createStage(t);
    const done = await stage.run({
      build: {
        process: true,
        directory: "web",
        artifacts: ["dist", "none.txt"],
        run: "mkdir dist; echo built > dist/app.js; ln -s app.js dist/latest; ln -s /etc dist/out",
      },
      use: { process: true, needs: ["build"], run: "cat web/dist/latest; test ! -e web/dist/out" },
      broken: { process: true, artifacts: ["shot.png"], run: "echo picture > shot.png; exit 3" },
    });
    assert.equal(done.job("use").outcome, "passed", done.output("use"));
    assert.equal(done.output("use"), "built");
    assert.ok(done.notes.some((note) => /artifact none\.txt was not written/.test(note)));
    assert.ok(done.notes.some((note) => /dist\/out leads to \/etc and is left out/.test(note)));
    const kept = join(stage.state, "artifacts", "shop", "c0ffee");
    assert.equal(readFileSync(join(kept, "build", "web/dist/app.js"), "utf8"), "built\n");
    assert.equal(done.job("broken").outcome, "failed");
    assert.deepEqual(done.job("broken").reasons, ["it ended with exit code 3"]);
    assert.equal(readFileSync(join(kept, "broken", "shot.png"), "utf8"), "picture\n");
  });

  test("is answered from the cache while nothing it reads changes, with its output, reports and artifacts; a failure never is", async (t) => {
    const stage = createStage(t);
    const checks = {
      build: {
        process: true as const,
        artifacts: ["out.txt"],
        junit: "report.xml",
        run: 'echo built; cp package-lock.json out.txt; echo \'<testsuite tests="1"><testcase name="a"/></testsuite>\' > report.xml',
      },
      use: { process: true as const, needs: ["build"], run: "cat out.txt" },
      broken: { process: true as const, run: "false" },
    };
    await stage.run(checks);
    const second = await stage.run(checks);
    assert.deepEqual(
      second.results.map((result) => result.outcome),
      ["cached", "cached", "failed"],
    );
    assert.equal(second.output("build"), "built");
    assert.equal(second.job("build").reports?.tests?.tests, 1);
    assert.equal((await stage.run(checks, { cache: false })).job("build").outcome, "passed");
    stage.write({ "package-lock.json": "{ }" });
    const changed = await stage.run(checks);
    assert.equal(changed.job("build").outcome, "passed");
    assert.equal(changed.output("use"), "{ }", "what is handed on is part of the key");
  });

  test("is shown without colours and without what it wrote over", async (t) => {
    const stage = createStage(t);
    const done = await stage.run({
      look: { process: true, run: "printf '\\033[31mred\\033[0m\\n10%%\\r100%%\\nlast'" },
    });
    assert.equal(done.output("look"), "red\n100%\nlast");
  });

  test("that passed passes also where its result cannot be kept, and that is a warning", async (t) => {
    const stage = createStage(t);
    await stage.run({ lint: { process: true, run: "true" } });
    rmSync(join(stage.state, "results"), { recursive: true, force: true });
    writeFileSync(join(stage.state, "results"), "in the way");
    const done = await stage.run({ lint: { process: true, run: "true" } });
    assert.equal(done.job("lint").outcome, "passed", done.job("lint").reasons.join());
    assert.ok(
      done.notes.some((note) => note.startsWith("warning: its result could not be kept")),
      done.notes.join(),
    );
  });

  test("whose program is missing says so, and everything else still reports", async (t) => {
    const stage = createStage(t);
    const done = await stage.run({
      gone: { process: true, run: ["no-such-program-here"] },
      after: { process: true, needs: ["gone"], run: "true" },
      other: { process: true, run: "true" },
    });
    assert.deepEqual(
      done.results.map((result) => result.outcome),
      ["failed", "skipped", "passed"],
    );
    assert.match(done.job("gone").reasons[0] ?? "", /"no-such-program-here" is not installed here/);
    assert.deepEqual(done.job("after").reasons, ["gone did not pass"]);
  });

  test("is tried again as often as it says", async (t) => {
    const stage = createStage(t);
    const counter = join(stage.state, "..", "count");
    const done = await stage.run({
      flaky: {
        process: true,
        retries: 2,
        env: { COUNTER: counter },
        run: 'echo x >> "$COUNTER"; test "$(wc -l < "$COUNTER")" -ge 3',
      },
    });
    assert.equal(done.job("flaky").outcome, "passed");
    assert.equal(readFileSync(counter, "utf8").length, 6);
  });

  test("a coverage below its threshold fails it, with the number and the file", async (t) => {
    const stage = createStage(t);
    const done = await stage.run({
      test: {
        process: true,
        coverage: { file: "lcov.info", atLeast: 80 },
        run: 'printf "SF:a.ts\\nLF:10\\nLH:7\\nend_of_record\\n" > lcov.info',
      },
    });
    assert.match(done.job("test").reasons.join(), /coverage 70 % of lines is below 80 % \(lcov\.info/);
  });

  test("two runs at once do not disturb each other", async (t) => {
    const stage = createStage(t);
    const checks = { one: { process: true as const, artifacts: ["a"], run: "sleep 0.3; echo $$ > a" } };
    const both = await Promise.all([stage.run(checks, { cache: false }), stage.run(checks, { cache: false })]);
    for (const done of both) assert.equal(done.job("one").outcome, "passed");
    await waitFor("both to be gone", () => readdirSync(join(stage.state, "runs")).length === 0, { timeoutMs: 1000 });
  });
});
