import { spawn } from "node:child_process";
import { dirname } from "node:path";

export const root = dirname(import.meta.dirname);

export type ToolResult = { exitCode: number; output: string; seconds: number };

/**
 * Runs a development tool in the repository and collects what it says. One that takes longer than `timeoutMs` is ended, and
 * its exit code is then 124.
 */
export async function runTool(command: readonly string[], timeoutMs: number): Promise<ToolResult> {
  const started = performance.now();
  const [program = "", ...args] = command;
  const child = spawn(program === "node" ? process.execPath : program, args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  let output = "";
  let late = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, timeoutMs);
  const exitCode = await new Promise<number>((resolve) => {
    child.once("error", (error) => {
      output += `${program}: ${error.message}\n`;
      resolve(127);
    });
    child.once("close", (code) => resolve(late ? 124 : (code ?? 1)));
  });
  clearTimeout(timer);
  if (late) output += `${program} did not end within ${timeoutMs / 1000} s\n`;
  return { exitCode, output, seconds: (performance.now() - started) / 1000 };
}
