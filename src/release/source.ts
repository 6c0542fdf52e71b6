import { lutimes, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ShiplockError } from "../errors.ts";
import { type ProgramResult, runProgram } from "../process.ts";

/** A commit as it was asked for. `ref` is the branch or tag that was named; null if it was a bare commit. */
export type Commit = {
  hash: string;
  time: string;
  subject: string;
  ref: string | null;
  /** What `ref` is; null without one. */
  refKind?: "branch" | "tag" | null;
};

const gitTimeoutMs = 60_000;
/** The mode by which an index marks a commit of another repository. */
const submoduleMode = "160000 ";

/**
 * The commit that a branch, tag or hash names in a repository. A branch that is only on `origin` counts. Nothing is fetched. `main:<full hash>` is that commit of the branch,
 * wherever the branch is now: what an event was about is told so.
 * @param name null for what is checked out now
 * @throws ShiplockError `source/no-repository`, `source/unknown-ref`, `source/no-commit`, `source/not-on-branch`
 */
export async function resolveCommit(repository: string, name: string | null): Promise<Commit> {
  // No branch and no tag has a colon in its name.
  const [, branch, hashOfBranch] = /^([^:]+):([0-9a-f]{40})$/.exec(name ?? "") ?? [];
  if (branch !== undefined && hashOfBranch !== undefined) return commitOfBranch(repository, branch, hashOfBranch);
  const candidates =
    name === null ? ["HEAD"] : [`refs/heads/${name}`, `refs/tags/${name}`, `refs/remotes/origin/${name}`, name];
  for (const candidate of candidates) {
    const result = await git(repository, [
      "rev-parse",
      "--verify",
      "--quiet",
      "--end-of-options",
      `${candidate}^{commit}`,
    ]);
    if (result.exitCode !== 0) continue;
    const hash = result.stdout.trim();
    const ref = name === null ? await currentBranch(repository) : candidate === name ? null : name;
    const refKind = ref === null ? null : candidate.startsWith("refs/tags/") ? "tag" : "branch";
    return { hash, ...(await wordsOf(repository, hash)), ref, refKind };
  }
  await requireRepository(repository);
  if (name === null) throw noCommit(repository);
  throw new ShiplockError({
    code: "source/unknown-ref",
    blame: "usage",
    message: `the repository has no branch, tag or commit ${JSON.stringify(name)}`,
    where: repository,
    remedy: "check the spelling, or run `git fetch` first: Shiplock fetches nothing by itself",
  });
}

async function commitOfBranch(repository: string, branch: string, hash: string): Promise<Commit> {
  for (const place of [`refs/remotes/origin/${branch}`, `refs/heads/${branch}`])
    if ((await isAncestor(repository, hash, place)) === true)
      return { hash, ...(await wordsOf(repository, hash)), ref: branch, refKind: "branch" };
  await requireRepository(repository);
  throw new ShiplockError({
    code: "source/not-on-branch",
    blame: "usage",
    message: `commit ${hash.slice(0, 12)} is not on the branch ${JSON.stringify(branch)}, as far as this repository knows`,
    where: repository,
    remedy:
      "fetch the whole branch first (in a workflow, `fetch-depth: 0`); a commit that was pushed over is on no branch",
  });
}

async function wordsOf(repository: string, hash: string): Promise<Pick<Commit, "time" | "subject">> {
  const [time = "", subject = ""] = (await gitText(repository, ["log", "-1", "--format=%cI%n%s", hash])).split("\n");
  return { time, subject };
}

/** Where a repository is fetched from, as git has it written down: it can hold a login. Null when it has no `origin`. */
export async function originOf(repository: string): Promise<string | null> {
  const result = await git(repository, ["remote", "get-url", "origin"]);
  return result.exitCode === 0 ? result.stdout.trim() : null;
}

/** How many files of the working tree differ from what is checked out: changed, deleted, or new and not ignored. */
export async function uncommittedFiles(repository: string): Promise<number> {
  const text = await gitText(repository, ["status", "--porcelain", "-z", "--no-renames"]);
  return text.split("\0").filter((entry) => entry !== "").length;
}

/** Paths of the working tree from the repository's root: what git knows, and what is new and not ignored. Some may be deleted. */
export async function workingFiles(repository: string): Promise<string[]> {
  const text = await gitText(repository, [
    "ls-files",
    "-z",
    "--cached",
    "--others",
    "--exclude-standard",
    "--deduplicate",
  ]);
  return text.split("\0").filter((path) => path !== "");
}

/**
 * Writes a clean checkout of a commit into a new folder: what is committed and nothing else, through the filters of its attributes (line ends, LFS), and whatever is kept out
 * of archives or of a sparse working tree too. Files bear the commit's time, so that the same commit gives the same layers.
 * @returns the paths of submodules, which stay empty
 * @throws ShiplockError `source/checkout-failed`
 */
export async function checkOut(
  repository: string,
  commit: Pick<Commit, "hash" | "time">,
  folder: string,
): Promise<string[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // An index of its own: the repository's stays as it is.
  const index = join(folder, "..", `${commit.hash}.index`);
  const env = { ...process.env, GIT_INDEX_FILE: index };
  const settings = ["-c", "core.sparseCheckout=false", "-c", "core.autocrlf=false"];
  const written = await runProgram(
    "git",
    ["-C", repository, ...settings, `--work-tree=${folder}`, "read-tree", "--reset", "-u", commit.hash],
    { timeoutMs: gitTimeoutMs, env },
  );
  if (written.exitCode !== 0) throw checkoutFailed(written.stderr);
  const [listed] = await Promise.all([
    runProgram("git", ["-C", repository, "ls-files", "--stage", "-z"], { timeoutMs: gitTimeoutMs, env }),
    setTimes(folder, new Date(commit.time)),
  ]);
  await rm(index, { force: true });
  if (listed.exitCode !== 0) throw checkoutFailed(listed.stderr);
  return listed.stdout
    .split("\0")
    .flatMap((entry) => (entry.startsWith(submoduleMode) ? [entry.split("\t")[1] ?? ""] : []));
}

async function setTimes(folder: string, time: Date): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  await Promise.all(entries.map((entry) => lutimes(join(entry.parentPath, entry.name), time, time)));
}

/** The folder that holds the repository's files. */
export async function repositoryRoot(folder: string): Promise<string> {
  await requireRepository(folder);
  return (await gitText(folder, ["rev-parse", "--show-toplevel"])).trim();
}

/** The commits that are in `to` and not in `from`, newest first, as `sha7 subject`; null where git does not know one of them. */
export async function commitsBetween(
  repository: string,
  from: string,
  to: string,
  limit: number,
): Promise<string[] | null> {
  const result = await git(repository, [
    "log",
    `--max-count=${limit}`,
    "--format=%h %s",
    "--abbrev=7",
    `${from}..${to}`,
    "--",
  ]);
  return result.exitCode === 0 ? result.stdout.split("\n").filter((line) => line !== "") : null;
}

/** Whether `ancestor` lies behind `descendant`; null where git does not know one of them. */
export async function isAncestor(repository: string, ancestor: string, descendant: string): Promise<boolean | null> {
  const result = await git(repository, ["merge-base", "--is-ancestor", ancestor, descendant]);
  if (result.exitCode === 0) return true;
  return result.exitCode === 1 ? false : null;
}

/** How a commit lies to another: `older` is an ancestor of it. `unknown` where git does not know one of them, or this folder is in no repository. */
export async function relationOf(
  repository: string,
  commit: string,
  other: string,
): Promise<"same" | "newer" | "older" | "diverged" | "unknown"> {
  if (commit === other) return "same";
  const [older, newer] = await Promise.all([
    isAncestor(repository, commit, other),
    isAncestor(repository, other, commit),
  ]);
  if (older === null || newer === null) return "unknown";
  if (older) return "older";
  return newer ? "newer" : "diverged";
}

async function currentBranch(repository: string): Promise<string | null> {
  const result = await git(repository, ["symbolic-ref", "--quiet", "--short", "HEAD"]);
  return result.exitCode === 0 ? result.stdout.trim() : null;
}

async function requireRepository(folder: string): Promise<void> {
  const result = await git(folder, ["rev-parse", "--git-dir"]);
  if (result.exitCode === 0) return;
  throw new ShiplockError({
    code: "source/no-repository",
    blame: "usage",
    message: "this folder is not in a git repository",
    where: folder,
    remedy: "run the command inside your repository, or pass --project FOLDER",
  });
}

function noCommit(repository: string): ShiplockError {
  return new ShiplockError({
    code: "source/no-commit",
    blame: "usage",
    message: "nothing is committed yet, so there is nothing to build",
    where: repository,
    remedy: "commit your files first: what is built is a commit",
  });
}

async function gitText(folder: string, args: readonly string[]): Promise<string> {
  const result = await git(folder, args);
  if (result.exitCode === 0) return result.stdout;
  throw new ShiplockError({
    code: "source/git-failed",
    message: `git ${args[0] ?? ""} failed: ${result.stderr.trim()}`,
    where: folder,
  });
}

function git(folder: string, args: readonly string[]): Promise<ProgramResult> {
  return runProgram("git", ["-C", folder, ...args], { timeoutMs: gitTimeoutMs });
}

function checkoutFailed(stderr: string): ShiplockError {
  return new ShiplockError({
    code: "source/checkout-failed",
    message: `the commit could not be checked out: ${stderr.trim()}`,
    remedy: "look for a full disk in the temporary folder",
  });
}
