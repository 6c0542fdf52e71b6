import { messageOf, ShiplockError } from "../../errors.ts";
import { runProgram } from "../../process.ts";
import { createMasker } from "../mask.ts";
import type { ProviderSettings, SecretAnswer, SecretProvider, Variables } from "../provider.ts";
import { providerFailed } from "./failures.ts";

/** More than any secret has. */
const mostBytes = 256 * 1024;

/** A line of a program's error output, as long as one shows it. */
const mostCharacters = 300;

/**
 * Any program that prints a secret: its standard output without the last line break is the value. It gets an argument list and never a shell; its input is closed.
 * Nothing printed means that there is no such secret; an exit code other than 0 and `absent` means that it could not say.
 */
export function commandProvider(
  { run, timeoutMs, absent, folder }: Extract<ProviderSettings, { kind: "command" }>,
  env: Variables,
): SecretProvider {
  const [program = "", ...args] = run;
  const name = `command ${run.join(" ")}`;
  const ask = async (secret: string, signal: AbortSignal): Promise<SecretAnswer | null> => {
    const filled = args.map((argument) => argument.replaceAll("{name}", secret));
    const result = await runProgram(program, filled, {
      env,
      cwd: folder,
      timeoutMs,
      signal,
      keepBytes: mostBytes,
    }).catch((cause: unknown) => {
      signal.throwIfAborted();
      const remedy = cause instanceof ShiplockError ? cause.remedy : undefined;
      throw providerFailed(name, messageOf(cause), remedy ?? `run \`${program}\` by hand to see what is wrong`, cause);
    });
    if (absent.includes(result.exitCode)) return null;
    // Of more than that only the end was kept.
    if (Buffer.byteLength(result.stdout) > mostBytes)
      return { kind: "unclear", said: `it prints more than ${mostBytes / 1024} KiB` };
    const value = result.stdout.replace(/\r?\n$/, "");
    if (result.exitCode === 0) return value === "" ? null : { kind: "value", value, updatedAt: null };
    return { kind: "unclear", said: `exit code ${result.exitCode}${lastLine(result)}` };
  };
  return {
    kind: "command",
    name,
    read: async (names, signal) => {
      // One after the other: such a program may ask a person first.
      const answers = new Map<string, SecretAnswer>();
      for (const secret of names) {
        const answer = await ask(secret, signal);
        if (answer !== null) answers.set(secret, answer);
      }
      return answers;
    },
  };
}

/** What the program said last, without what it printed as the value before it failed. */
function lastLine({ stdout, stderr }: { stdout: string; stderr: string }): string {
  const mask = createMasker([stdout.trim(), ...stdout.split("\n").map((line) => line.trim())]);
  const line = mask(stderr).trim().split("\n").at(-1)?.trim() ?? "";
  return line === "" ? "" : `: ${line.slice(0, mostCharacters)}`;
}
