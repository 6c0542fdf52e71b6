// Types, lint, format and the directions of imports. `--fix` formats and mends what can be mended by a machine.
import { parseArgs } from "node:util";
import { runTool } from "./tool.ts";

type Check = { name: string; command: readonly string[]; fix?: readonly string[] };

const timeoutMs = 180_000;

const checks: readonly Check[] = [
  {
    name: "format",
    command: ["biome", "format", "--reporter=summary"],
    fix: ["biome", "format", "--write", "--reporter=summary"],
  },
  { name: "lint", command: ["oxlint", "--format=unix"], fix: ["oxlint", "--format=unix", "--fix"] },
  { name: "types", command: ["tsc", "-p", "."] },
  { name: "imports", command: ["node", "--disable-warning=ExperimentalWarning", "scripts/import-directions.ts"] },
];

const { values } = parseArgs({ options: { fix: { type: "boolean", default: false } } });
const failed = values.fix ? await mendAndCheck() : await checkAll(checks);
if (failed > 0) {
  process.stdout.write("`npm run format` mends the format and what else a machine can mend\n");
  process.exitCode = 1;
}

/** One after the other, because both write; the formatter last, because a mended line may be too long. */
async function mendAndCheck(): Promise<number> {
  for (const name of ["lint", "format"]) {
    const check = checks.find((one) => one.name === name);
    if (check?.fix !== undefined) await runTool(check.fix, timeoutMs);
  }
  return checkAll(checks);
}

async function checkAll(all: readonly Check[]): Promise<number> {
  const results = await Promise.all(all.map(checkOne));
  return results.filter((passed) => !passed).length;
}

async function checkOne(check: Check): Promise<boolean> {
  const { exitCode, output, seconds } = await runTool(check.command, timeoutMs);
  const passed = exitCode === 0;
  process.stdout.write(`${passed ? "ok    " : "FAILED"} ${check.name.padEnd(8)} ${seconds.toFixed(1)} s\n`);
  if (!passed) process.stdout.write(`${output.trim()}\n\n`);
  return passed;
}
