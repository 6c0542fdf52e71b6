import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { ShiplockError } from "../../src/errors.ts";
import { runProgram } from "../../src/process.ts";
import {
  baseOf,
  commitsToRevert,
  makeRevert,
  pullRequestAddress,
  pushRevert,
  type RevertedCommit,
} from "../../src/release/revert.ts";

const where = (repository: string) => ({ repository, signal: new AbortController().signal });
const refusedWith = (code: string) => (error: unknown) => error instanceof ShiplockError && error.code === code;

describe("a revert", () => {
  let root: string;
  let repository: string;
  let first: string;

  const git = async (...args: string[]): Promise<string> => {
    const result = await runProgram("git", ["-C", repository, ...args], { timeoutMs: 20_000 });
    assert.equal(result.exitCode, 0, result.stderr);
    return result.stdout.trim();
  };

  /** Commits a file with this text; returns the commit. */
  async function commit(file: string, text: string, subject = `${file} is ${text}`): Promise<string> {
    await writeFile(join(repository, file), text);
    await git("add", ".");
    await git("commit", "--quiet", "--message", subject);
    return git("rev-parse", "HEAD");
  }

  /** Takes the range back on the branch that holds it. */
  async function revert(bad: string, good: string | null, branch = "revert/x"): Promise<RevertedCommit[]> {
    const commits = await commitsToRevert(where(repository), [bad], good);
    const base = await baseOf(where(repository), "main", commits);
    await makeRevert(where(repository), { branch, base: base.hash, commits, message: "Revert it\n\nwhy" });
    return commits;
  }

  /** What nobody may touch: working tree, index, branches, worktrees, and what git says of them. */
  async function everything(): Promise<unknown> {
    const names = (await readdir(repository)).filter((name) => name !== ".git");
    return {
      files: await Promise.all(names.map(async (name) => [name, await readFile(join(repository, name), "utf8")])),
      index: await git("ls-files", "--stage"),
      status: await git("status", "--porcelain"),
      branches: await git("for-each-ref"),
      worktrees: await git("worktree", "list"),
      head: await git("symbolic-ref", "HEAD"),
    };
  }

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "revert-"));
    repository = join(root, "app");
    await mkdir(repository);
    await git("init", "--quiet", "--initial-branch", "main");
    for (const [key, value] of [
      ["user.name", "Ada"],
      ["user.email", "ada@example.com"],
      ["commit.gpgsign", "false"],
    ] as const)
      await git("config", key, value);
    first = await commit("a.txt", "one");
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it("is a branch with one commit that takes all commits of the range back, newest first; the working tree stays as it is", async () => {
    await commit("b.txt", "one");
    await commit("a.txt", "two");
    const bad = await commit("b.txt", "two");
    await writeFile(join(repository, "a.txt"), "being worked on");
    await writeFile(join(repository, "new.txt"), "new");
    const before = (await everything()) as Record<string, unknown>;
    const commits = await revert(bad, first);
    assert.deepEqual(
      commits.map(({ subject }) => subject),
      ["b.txt is two", "a.txt is two", "b.txt is one"],
    );
    assert.equal(await git("rev-parse", "revert/x^{tree}"), await git("rev-parse", `${first}^{tree}`));
    assert.equal(await git("rev-parse", "revert/x^"), bad);
    assert.equal(await git("log", "-1", "--format=%B", "revert/x"), "Revert it\n\nwhy");
    const after = (await everything()) as Record<string, unknown>;
    assert.deepEqual({ ...after, branches: "" }, { ...before, branches: "" });
  });

  it("of a merge takes back all that it brought, and leaves what came after it", async () => {
    await git("switch", "--quiet", "--create", "feature");
    await commit("f.txt", "one");
    await commit("f.txt", "two");
    await git("switch", "--quiet", "main");
    await commit("b.txt", "one");
    await git("merge", "--quiet", "--no-ff", "--message", "Merge feature", "feature");
    const merge = await git("rev-parse", "HEAD");
    await commit("c.txt", "later");
    const commits = await revert(merge, `${merge}^1`);
    assert.deepEqual(
      commits.map(({ subject, isMerge }) => [subject, isMerge]),
      [["Merge feature", true]],
    );
    assert.deepEqual((await git("ls-tree", "--name-only", "revert/x")).split("\n"), ["a.txt", "b.txt", "c.txt"]);
  });

  it("that conflicts names commit and files, says how to do it by hand, and leaves nothing behind", async () => {
    const bad = await commit("a.txt", "two");
    await commit("a.txt", "three");
    const before = await everything();
    const folders = (await readdir(tmpdir())).filter((name) => name.startsWith("shiplock-revert-"));
    await assert.rejects(revert(bad, null), (error: unknown) => {
      assert.ok(error instanceof ShiplockError);
      assert.equal(error.code, "revert/conflict");
      assert.match(error.message, new RegExp(`^${bad.slice(0, 7)} "a.txt is two" cannot be reverted`));
      assert.deepEqual(error.details, ['conflict in "a.txt"']);
      assert.match(error.remedy ?? "", /git switch -c revert\/x .*git revert/);
      return true;
    });
    assert.deepEqual(await everything(), before);
    const left = (await readdir(tmpdir())).filter((name) => name.startsWith("shiplock-revert-"));
    assert.deepEqual(
      left.filter((name) => !folders.includes(name)),
      [],
    );
  });

  it("never overwrites a branch, and one of what is reverted already is refused", async () => {
    const bad = await commit("a.txt", "two");
    await git("branch", "revert/x", first);
    await assert.rejects(revert(bad, first), refusedWith("revert/branch-exists"));
    assert.equal(await git("rev-parse", "revert/x"), first);
    await commit("a.txt", "one", "Back by hand");
    await assert.rejects(revert(bad, null, "revert/y"), refusedWith("revert/nothing"));
    assert.equal(await git("branch", "--list", "revert/y"), "");
  });

  it("runs no hook of the repository, and a subject full of quotes and $() is only text", async () => {
    const bad = await commit("a.txt", "two", "x'; $(touch pwned) `id` \"");
    const hook = join(repository, ".git/hooks/post-checkout");
    await writeFile(hook, "#!/bin/sh\ntouch hooked\nexit 1\n", { mode: 0o755 });
    const [only] = await revert(bad, first);
    assert.equal(only?.subject, "x'; $(touch pwned) `id` \"");
    assert.deepEqual((await readdir(repository)).sort(), [".git", "a.txt"]);
  });

  it("is made on the release's branch as origin has it, not on what was never pushed; a clone that does not know the commit is told to fetch", async () => {
    const bad = await commit("a.txt", "two");
    const author = repository;
    await git("clone", "--quiet", ".", join(root, "clone"));
    repository = join(root, "clone");
    await git("config", "user.name", "Grace");
    await git("config", "user.email", "grace@example.com");
    await commit("b.txt", "never pushed");
    const commits = await commitsToRevert(where(repository), [bad], first);
    assert.deepEqual(await baseOf(where(repository), "main", commits), { hash: bad, branch: "main" });
    assert.deepEqual(await baseOf(where(repository), "v1.0", commits), { hash: bad, branch: "main" });
    repository = author;
    const newer = await commit("a.txt", "three");
    repository = join(root, "clone");
    await assert.rejects(commitsToRevert(where(repository), [newer], bad), refusedWith("revert/unknown-commit"));
  });

  it("is pushed under its own name, and never over a branch that is there", async () => {
    const bad = await commit("a.txt", "two");
    await git("clone", "--quiet", ".", join(root, "clone"));
    const author = repository;
    repository = join(root, "clone");
    await git("config", "user.name", "Grace");
    await git("config", "user.email", "grace@example.com");
    await revert(bad, first);
    await pushRevert(where(repository), "revert/x");
    const pushed = await git("rev-parse", "revert/x");
    await git("branch", "--force", "revert/x", first);
    await assert.rejects(pushRevert(where(repository), "revert/x"), (error: unknown) => {
      assert.ok(error instanceof ShiplockError);
      assert.equal(error.code, "revert/push-failed");
      assert.match(error.remedy ?? "", /git push origin revert\/x/);
      return true;
    });
    repository = author;
    assert.equal(await git("rev-parse", "revert/x"), pushed);
  });

  it("that failed after its branch was made is done once more with that branch, which is not pushed twice", async () => {
    const bad = await commit("a.txt", "two");
    await git("init", "--quiet", "--bare", join(root, "origin.git"));
    await git("remote", "add", "origin", join(root, "origin.git"));
    const commits = await revert(bad, first);
    const made = await git("rev-parse", "revert/x");
    const again = (base: string) =>
      makeRevert(where(repository), { ...{ branch: "revert/x", base, commits, message: "Revert it" }, again: true });
    assert.equal(await again(bad), made);
    await pushRevert(where(repository), "revert/x");
    await pushRevert(where(repository), "revert/x");
    assert.match(await git("ls-remote", "origin"), new RegExp(made));
    const newer = await commit("b.txt", "one");
    await assert.rejects(again(newer), refusedWith("revert/branch-exists"));
    await git("branch", "--force", "revert/x", bad);
    await assert.rejects(again(bad), refusedWith("revert/branch-exists"));
  });

  it("knows the address of the pull request on GitHub, however origin is written, and never repeats a login", () => {
    const wanted = "https://github.com/acme/shop/compare/main...revert%2Fabc1234?expand=1";
    for (const origin of [
      "git@github.com:acme/shop.git",
      "ssh://git@github.com/acme/shop",
      "https://github.com/acme/shop.git",
      "https://ada:token@github.com/acme/shop.git",
    ])
      assert.equal(pullRequestAddress(origin, "main", "revert/abc1234"), wanted);
    for (const origin of [null, "/srv/git/shop.git", "https://git.example.com/acme/shop.git"])
      assert.equal(pullRequestAddress(origin, "main", "revert/abc1234"), null);
  });
});
