import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runProgram } from "../../../src/process.ts";
import type { GitHubEvent } from "./events.ts";
import type { TokenPermissions } from "./permissions.ts";
import { createRunner, type Runner } from "./runner.ts";
import type { RunnerOptions } from "./types.ts";

/** A repository with workflows in it, and GitHub Actions for it; for tests of the runner itself. */
export type Sample = AsyncDisposable & {
  readonly folder: string;
  readonly runner: Runner;
  /** Permissions of the tokens that were given out. */
  readonly granted: readonly TokenPermissions[];
  /** Commits files on `main`; answers the commit. */
  commit(files: Readonly<Record<string, string>>): Promise<string>;
  /** A push of `main` as it is. */
  pushed(given?: Partial<GitHubEvent>): Promise<GitHubEvent>;
};

export async function createSample(
  files: Readonly<Record<string, string>>,
  options: Partial<RunnerOptions> = {},
): Promise<Sample> {
  const folder = mkdtempSync(join(tmpdir(), "sample-"));
  const who = { NAME: "ada", EMAIL: "ada@example.com" };
  const git = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await runProgram("git", ["-C", folder, ...args], {
      env: {
        PATH: process.env["PATH"],
        HOME: folder,
        ...Object.fromEntries(
          Object.entries(who).flatMap(([key, value]) => [
            [`GIT_AUTHOR_${key}`, value],
            [`GIT_COMMITTER_${key}`, value],
          ]),
        ),
      },
      timeoutMs: 30_000,
    });
    if (exitCode === 0) return stdout.trim();
    throw new Error(`git ${args.join(" ")}: ${stderr}`);
  };
  await git("init", "--quiet", "--initial-branch=main");

  async function commit(changed: Readonly<Record<string, string>>): Promise<string> {
    for (const [path, text] of Object.entries(changed)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    await git("add", "--all");
    await git("commit", "--quiet", "--allow-empty", "--message", "More");
    return await git("rev-parse", "HEAD");
  }

  await commit(files);
  const granted: TokenPermissions[] = [];
  const runner = createRunner({
    repository: { owner: "acme", name: "shop", folder: join(folder, ".git"), defaultBranch: "main" },
    api: "http://127.0.0.1:1",
    token: (permissions) => {
      granted.push(permissions);
      return `token-${granted.length}`;
    },
    machine: { PATH: process.env["PATH"] ?? "" },
    limitMs: 30_000,
    ...options,
  });
  return {
    folder,
    runner,
    granted,
    commit,
    pushed: async (given = {}) => ({
      name: "push",
      ref: "refs/heads/main",
      sha: await git("rev-parse", "HEAD"),
      actor: "ada",
      payload: { ref: "refs/heads/main", repository: { full_name: "acme/shop" } },
      ...given,
    }),
    [Symbol.asyncDispose]: async () => {
      await runner[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
