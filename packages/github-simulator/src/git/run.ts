import { spawn } from "node:child_process";

export type GitAnswer = { readonly code: number | null; readonly output: Buffer; readonly errors: string };

/** Runs git in a bare repository, with nothing of the machine's own configuration. */
export async function runGit(folder: string, args: readonly string[], input?: string | Buffer): Promise<GitAnswer> {
  const child = spawn("git", ["--git-dir", folder, ...args], {
    env: {
      PATH: process.env["PATH"],
      HOME: folder,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_TERMINAL_PROMPT: "0",
    },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: 30_000,
  });
  const output: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  return await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) =>
      resolve({ code, output: Buffer.concat(output), errors: Buffer.concat(errors).toString("utf8") }),
    );
    // A git that ended early has said why; that it did not read everything adds nothing.
    child.stdin.on("error", () => child.stdin.destroy());
    child.stdin.end(input ?? "");
  });
}

/** Like `runGit`, for what may not fail; answers what was written, without the last line break. */
export async function gitOutput(folder: string, args: readonly string[], input?: string | Buffer): Promise<string> {
  const { code, output, errors } = await runGit(folder, args, input);
  if (code !== 0) throw new Error(`git ${args[0] ?? ""} failed in the simulated repository: ${errors.trim()}`);
  return output.toString("utf8").trimEnd();
}
