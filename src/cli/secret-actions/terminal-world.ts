import { spawn } from "node:child_process";
import { messageOf, ShiplockError } from "../../errors.ts";
import type { CommandContext } from "../context.ts";
import { terminalAsk } from "../init/ask.ts";
import { systemClock } from "../../clock.ts";
import type { SecretsWorld } from "./world.ts";

/** More than any secret has, in bytes. */
const mostBytes = 256 * 1024;

/** A terminal's input, or whatever stands in its place. */
export type Input = NodeJS.ReadableStream & { isTTY?: boolean; setRawMode?: (raw: boolean) => unknown };

/** The user at this machine. */
export function terminalWorld(
  { signal, env, output }: CommandContext,
  input: Input = process.stdin,
  screen: { write(text: string): unknown } = process.stderr,
): SecretsWorld {
  const interrupt = (): void => void process.kill(process.pid, "SIGINT");
  return {
    readValue: (question) =>
      input.isTTY === true ? typedValue(input, screen, question, signal, interrupt) : pipedValue(input, signal),
    edit: (file) => openEditor(editorOf(env), file, env, signal),
    ask: !(output.terminal && input.isTTY === true)
      ? null
      : async (question) => {
          const asking = terminalAsk({ input, output: process.stderr, signal, interrupt });
          try {
            return await asking.yes(question);
          } finally {
            asking.close();
          }
        },
    now: () => systemClock.now(),
  };
}

async function pipedValue(input: Input, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    signal.throwIfAborted();
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    size += bytes.length;
    if (size > mostBytes) throw tooLong();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
}

/** A line that is typed without being shown. Ctrl-C interrupts the command, Ctrl-D ends the line. */
async function typedValue(
  input: Input,
  screen: { write(text: string): unknown },
  question: string,
  signal: AbortSignal,
  interrupt: () => void,
): Promise<string> {
  screen.write(`${question}: `);
  input.setRawMode?.(true);
  try {
    return await new Promise<string>((resolve, reject) => {
      let typed = "";
      const onAbort = (): void => finish(() => reject(new Error("interrupted", { cause: signal.reason })));
      const onData = (chunk: Buffer | string): void => {
        for (const character of chunk.toString("utf8")) {
          if (character === "\r" || character === "\n" || character === "\u0004") return finish(() => resolve(typed));
          if (character === "\u0003") return interrupt();
          if (character === "\u007f" || character === "\b") typed = [...typed].slice(0, -1).join("");
          else typed += character;
        }
      };
      const finish = (settle: () => void): void => {
        input.off("data", onData);
        signal.removeEventListener("abort", onAbort);
        settle();
      };
      signal.addEventListener("abort", onAbort, { once: true });
      input.on("data", onData);
      input.resume();
    });
  } finally {
    input.setRawMode?.(false);
    input.pause();
    screen.write("\n");
  }
}

/** The words of VISUAL or EDITOR, which may hold options (`code --wait`); vi where neither is set. No shell sees them. */
export function editorOf(env: CommandContext["env"]): string[] {
  const written = [env["VISUAL"], env["EDITOR"]].find((text) => (text ?? "").trim() !== "") ?? "vi";
  return written.trim().split(/\s+/);
}

/**
 * Runs an editor in this terminal until it ends. There is no time limit: a person is at work.
 * @throws ShiplockError `secrets/editor`, and the reason of `signal`, by which the editor is ended
 */
async function openEditor(
  [program = "vi", ...args]: readonly string[],
  file: string,
  env: CommandContext["env"],
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(program, [...args, file], { stdio: "inherit", env: { ...env } });
    const onAbort = (): void => void child.kill("SIGTERM");
    signal.addEventListener("abort", onAbort, { once: true });
    child.on("error", (cause) => {
      signal.removeEventListener("abort", onAbort);
      reject(editorFailed(`${program} cannot be started: ${messageOf(cause)}`));
    });
    child.on("exit", (exit) => {
      signal.removeEventListener("abort", onAbort);
      resolve(exit);
    });
  });
  signal.throwIfAborted();
  if (code !== 0) throw editorFailed(`${program} ended with ${code === null ? "a signal" : `exit code ${code}`}`);
}

function editorFailed(message: string): ShiplockError {
  return new ShiplockError({
    code: "secrets/editor",
    blame: "usage",
    message: `${message}; nothing was changed`,
    remedy: "set EDITOR to an editor that waits until the file is closed",
  });
}

function tooLong(): ShiplockError {
  return new ShiplockError({
    code: "secrets/too-long",
    blame: "usage",
    message: `a secret has at most ${mostBytes / 1024} KiB`,
    remedy: "give its value alone on standard input",
  });
}
