import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ShiplockError } from "../errors.ts";
import { type ProgramResult, runProgram } from "../process.ts";

export type RevertedCommit = { hash: string; subject: string; isMerge: boolean };

/** Where the revert goes: the commit it is made on, and the branch that a pull request would lead to; null where that is none. */
export type RevertBase = { hash: string; branch: string | null };

type Where = { repository: string; signal: AbortSignal };

const gitTimeoutMs = 60_000;
/** A push goes over a network. */
const pushTimeoutMs = 120_000;
/** No hook of the repository runs, and nobody is asked for a password. */
const quiet = ["-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"];

/**
 * The commits that `bad` has and `good` does not, newest first. Of a merge only the merge itself: reverting it takes back all that it brought.
 * @param good null for the one commit `bad` itself
 * @throws ShiplockError `revert/unknown-commit`
 */
export async function commitsToRevert(
  where: Where,
  bad: readonly string[],
  good: string | null,
): Promise<RevertedCommit[]> {
  for (const commit of good === null ? bad : [...bad, good]) await requireCommit(where, commit);
  const range = good === null ? ["--max-count=1", ...bad] : [...bad, `^${good}`];
  const format = ["--first-parent", "--topo-order", "--format=%H%x00%P%x00%s"];
  const text = await gitText(where, ["log", ...format, ...range, "--"]);
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [hash = "", parents = "", subject = ""] = line.split("\0");
      return { hash, subject, isMerge: parents.includes(" ") };
    });
}

/**
 * The branch a revert is made on: that of the release, as `origin` has it or else as it is here; else the default branch of `origin`; else what is checked
 * out. It has to hold all the commits, since nothing is fetched.
 * @param ref the branch of the release; null, or a tag, for none
 * @throws ShiplockError `revert/no-base`
 */
export async function baseOf(
  where: Where,
  ref: string | null,
  commits: readonly RevertedCommit[],
): Promise<RevertBase> {
  const origin = (await git(where, ["symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD"])).stdout.trim();
  const here = (await git(where, ["symbolic-ref", "--quiet", "--short", "HEAD"])).stdout.trim();
  const candidates: { name: string; branch: string | null }[] = [
    ...(ref === null
      ? []
      : [
          { name: `refs/remotes/origin/${ref}`, branch: ref },
          { name: `refs/heads/${ref}`, branch: ref },
        ]),
    ...(origin === "" ? [] : [{ name: `refs/remotes/${origin}`, branch: origin.replace(/^origin\//, "") }]),
    { name: "HEAD", branch: here === "" ? null : here },
  ];
  for (const { name, branch } of candidates) {
    const found = await git(where, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`]);
    const hash = found.stdout.trim();
    if (found.exitCode === 0 && (await holdsAll(where, hash, commits))) return { hash, branch };
  }
  throw new ShiplockError({
    code: "revert/no-base",
    blame: "usage",
    message: `neither ${ref === null ? "the branch that is checked out" : JSON.stringify(ref)} nor the default branch has the commits that are to be reverted`,
    where: where.repository,
    remedy: "run `git fetch`, or check out the branch that has them; Shiplock fetches nothing by itself",
  });
}

/**
 * Makes the branch: one commit on `base` that takes the commits back, newest first. It is made beside the working tree, in a temporary one, and the branch is
 * there only once it is complete; whatever fails leaves nothing.
 * @param options.again whether a branch that is this very revert already is taken as it is, so that what failed afterwards can be done once more
 * @returns the hash of its commit
 * @throws ShiplockError `revert/branch-exists`, `revert/conflict`, `revert/nothing`, `revert/no-identity`
 */
export async function makeRevert(
  where: Where,
  options: { branch: string; base: string; commits: readonly RevertedCommit[]; message: string; again?: boolean },
): Promise<string> {
  const { branch, base, commits, message, again = false } = options;
  const there = await git(where, ["rev-parse", "--verify", "--quiet", `refs/heads/${branch}`]);
  if (there.exitCode === 0 && !again) throw branchExists(branch);
  const folder = await mkdtemp(join(tmpdir(), "shiplock-revert-"));
  const tree = join(folder, "tree");
  try {
    await gitText(where, ["worktree", "add", "--quiet", "--detach", tree, base]);
    for (const commit of commits) await revertInto({ ...where, repository: tree }, commit, options);
    const written = (await gitText({ ...where, repository: tree }, ["write-tree"])).trim();
    if (written === (await gitText(where, ["rev-parse", `${base}^{tree}`])).trim()) throw nothingLeft(commits);
    if (there.exitCode === 0) {
      const made = there.stdout.trim();
      if (!(await isThisCommit(where, made, written, base))) throw branchExists(branch);
      return made;
    }
    const hash = await commitOf(where, written, base, message);
    // Refused by git itself if somebody made a branch of that name meanwhile.
    const made = await git(where, ["update-ref", `refs/heads/${branch}`, hash, "0".repeat(hash.length)]);
    if (made.exitCode !== 0) throw branchExists(branch);
    return hash;
  } finally {
    // Also after Ctrl-C: the abort that ended the work must not end the cleaning.
    await git({ ...where, signal: AbortSignal.timeout(gitTimeoutMs) }, ["worktree", "remove", "--force", tree]);
    await rm(folder, { recursive: true, force: true });
    await git({ ...where, signal: AbortSignal.timeout(gitTimeoutMs) }, ["worktree", "prune"]);
  }
}

/** Whether a commit holds these files and nothing lies between it and its base. */
async function isThisCommit(where: Where, commit: string, tree: string, base: string): Promise<boolean> {
  const [files, parents] = (await gitText(where, ["log", "-1", "--format=%T%n%P", commit])).trim().split("\n");
  return files === tree && parents === base;
}

/**
 * Pushes the branch to `origin`, where it must not be yet, unless it is the same there.
 * @throws ShiplockError `revert/push-failed`; the branch is there, here
 */
export async function pushRevert(where: Where, branch: string): Promise<void> {
  const name = `refs/heads/${branch}`;
  if (await isPushed(where, name)) return;
  const args = ["push", "--quiet", `--force-with-lease=${name}:`, "origin", `${name}:${name}`];
  const env = { ...process.env, GIT_TERMINAL_PROMPT: "0" };
  const pushed = await runProgram("git", ["-C", where.repository, ...args], {
    timeoutMs: pushTimeoutMs,
    env,
    signal: where.signal,
  });
  if (pushed.exitCode === 0) return;
  throw new ShiplockError({
    code: "revert/push-failed",
    message: `the branch ${branch} is made, but could not be pushed: ${withoutLogins(pushed.stderr.trim())}`,
    remedy: `push it yourself: git push origin ${branch}`,
  });
}

async function isPushed(where: Where, name: string): Promise<boolean> {
  const options = { timeoutMs: pushTimeoutMs, env: { ...process.env, GIT_TERMINAL_PROMPT: "0" }, signal: where.signal };
  const asked = await runProgram("git", ["-C", where.repository, "ls-remote", "origin", name], options);
  const there = asked.stdout.split("\t")[0] ?? "";
  return asked.exitCode === 0 && there !== "" && there === (await gitText(where, ["rev-parse", name])).trim();
}

/** Where a browser opens the pull request; null where the repository is not known to lie on GitHub. */
export function pullRequestAddress(origin: string | null, base: string | null, branch: string): string | null {
  const found = /^(?:https:\/\/(?:[^/@]*@)?|ssh:\/\/git@|git@)github\.com[/:]([\w.-]+)\/([\w.-]+?)(?:\.git)?\/?$/.exec(
    origin ?? "",
  );
  if (found === null) return null;
  const [, owner, name] = found;
  const range = [base, branch].filter((one) => one !== null).map((one) => encodeURIComponent(one));
  return `https://github.com/${owner}/${name}/compare/${range.join("...")}?expand=1`;
}

async function revertInto(
  tree: Where,
  commit: RevertedCommit,
  { branch, base }: { branch: string; base: string },
): Promise<void> {
  const mainline = commit.isMerge ? ["--mainline", "1"] : [];
  const reverted = await git(tree, ["revert", "--no-commit", ...mainline, commit.hash]);
  if (reverted.exitCode === 0) return;
  const unmerged = await gitText(tree, ["diff", "--name-only", "--diff-filter=U", "-z"]);
  const files = unmerged.split("\0").filter((path) => path !== "");
  throw new ShiplockError({
    code: "revert/conflict",
    message: `${shortOf(commit)} cannot be reverted by itself: ${files.length === 0 ? reverted.stderr.trim() : "later commits changed the same lines"}; nothing was made`,
    details: files.map((path) => `conflict in ${JSON.stringify(path)}`),
    remedy: `revert by hand: git switch -c ${branch} ${base.slice(0, 7)}, then git revert ${[...mainline, commit.hash.slice(0, 7)].join(" ")}; or revert a single commit with --commit`,
  });
}

async function commitOf(where: Where, tree: string, base: string, message: string): Promise<string> {
  const made = await git(where, ["commit-tree", tree, "-p", base, "-F", "-"], message);
  if (made.exitCode === 0) return made.stdout.trim();
  if (!/tell me who you are|empty ident|ident name/i.test(made.stderr)) throw failed(where, "commit-tree", made);
  throw new ShiplockError({
    code: "revert/no-identity",
    blame: "usage",
    message: "git does not know whose the commit would be",
    remedy: "git config user.name NAME and git config user.email ADDRESS",
  });
}

async function holdsAll(where: Where, base: string, commits: readonly RevertedCommit[]): Promise<boolean> {
  for (const { hash } of commits) {
    if ((await git(where, ["merge-base", "--is-ancestor", hash, base])).exitCode !== 0) return false;
  }
  return true;
}

async function requireCommit(where: Where, commit: string): Promise<void> {
  const found = await git(where, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${commit}^{commit}`]);
  if (found.exitCode === 0) return;
  throw new ShiplockError({
    code: "revert/unknown-commit",
    blame: "usage",
    message: `this clone has no commit ${JSON.stringify(commit)}`,
    where: where.repository,
    remedy: "run `git fetch` first: Shiplock fetches nothing by itself",
  });
}

function branchExists(branch: string): ShiplockError {
  return new ShiplockError({
    code: "revert/branch-exists",
    blame: "usage",
    message: `there is a branch ${branch} already; it was left as it is`,
    remedy: `look at it (git log ${branch}), push it, or delete it: git branch -D ${branch}`,
  });
}

function nothingLeft(commits: readonly RevertedCommit[]): ShiplockError {
  return new ShiplockError({
    code: "revert/nothing",
    blame: "usage",
    message: `nothing of ${commits.map(shortOf).join(", ")} is left to revert: the branch does not have those changes any more`,
    remedy: "deploy the branch as it is",
  });
}

function shortOf({ hash, subject }: RevertedCommit): string {
  return `${hash.slice(0, 7)} ${JSON.stringify(subject)}`;
}

/** An address may hold a login, and git repeats addresses. */
function withoutLogins(text: string): string {
  return text.replace(/\/\/[^/\s@]*@/g, "//");
}

async function gitText(where: Where, args: readonly string[]): Promise<string> {
  const result = await git(where, args);
  if (result.exitCode === 0) return result.stdout;
  throw failed(where, args[0] ?? "", result);
}

function failed(where: Where, command: string, result: ProgramResult): ShiplockError {
  return new ShiplockError({
    code: "source/git-failed",
    message: `git ${command} failed: ${withoutLogins(result.stderr.trim())}`,
    where: where.repository,
  });
}

function git({ repository, signal }: Where, args: readonly string[], input?: string): Promise<ProgramResult> {
  return runProgram("git", ["-C", repository, ...quiet, ...args], {
    timeoutMs: gitTimeoutMs,
    // What git says is read, whatever the user's language.
    env: { ...process.env, LC_ALL: "C" },
    signal,
    ...(input === undefined ? {} : { input }),
  });
}
