import type { Environment } from "../config/types.ts";
import { ShiplockError } from "../errors.ts";
import { runProgram } from "../process.ts";

const timeoutMs = 15_000;

/**
 * Looks for the scanners that these environments demand: without one nothing is built for them.
 * @returns one check for each scanner; none where nothing is scanned
 */
export function scannerChecks(
  environments: readonly Pick<Environment, "scan">[],
  env: Readonly<Record<string, string | undefined>>,
): { name: string; look: () => Promise<string> }[] {
  const demanded = environments.flatMap(({ scan }) => (scan === undefined || scan === "off" ? [] : [scan.with]));
  return [...new Set(demanded)].map((program) => ({
    name: `scanner ${program}`,
    look: async () => {
      const result = await runProgram(program, ["--version"], { env, timeoutMs }).catch((error: unknown) => {
        if (error instanceof ShiplockError && error.code === "program/missing") throw unusable(program, error.message);
        throw error;
      });
      if (result.exitCode !== 0) throw unusable(program, `\`${program} --version\` failed: ${result.stderr.trim()}`);
      return result.stdout.trim().split("\n")[0] ?? "";
    },
  }));
}

function unusable(program: string, message: string): ShiplockError {
  return new ShiplockError({
    code: "doctor/scanner",
    message,
    remedy: `install ${program} on this machine, or set \`scan: off\` for the environments that go without`,
  });
}
