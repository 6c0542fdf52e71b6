import assert from "node:assert/strict";
import {
  access,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { runProgram } from "../../src/process.ts";
import {
  checkOut,
  commitsBetween,
  isAncestor,
  relationOf,
  repositoryRoot,
  resolveCommit,
  uncommittedFiles,
} from "../../src/release/source.ts";

/** As nasty as git lets a branch be: no line break, no space. */
const nasty = "x';$(touch${IFS}pwned)`id`&&|\"";

describe("the source of a release", () => {
  let folder: string;
  let repository: string;
  const git = async (...args: string[]): Promise<string> => {
    const identity = [
      "-c",
      "user.name=Ada",
      "-c",
      "user.email=ada@example.com",
      "-c",
      "init.defaultBranch=main",
      "-c",
      "commit.gpgsign=false",
    ];
    const result = await runProgram("git", ["-C", repository, ...identity, ...args], { timeoutMs: 20_000 });
    assert.equal(result.exitCode, 0, result.stderr);
    return result.stdout.trim();
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "source-"));
    repository = folder;
    await git("init", "repo");
    repository = join(folder, "repo");
    for (const text of ["one", "two"]) {
      await writeFile(join(repository, "file.txt"), text);
      await git("add", ".");
      await git("commit", "-m", `${text} $(touch pwned); 'quoted'`);
    }
    await git("branch", nasty, "HEAD~1");
    await git("tag", "v1", "HEAD~1");
    await git("tag", "main-ish");
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("one commit is older, newer, the same, or on another branch than another; what git does not know is unknown", async () => {
    const [last, first] = await Promise.all([git("rev-parse", "main"), git("rev-parse", "main~1")]);
    const other = await git("commit-tree", "-p", first, "-m", "another branch", `${first}^{tree}`);
    assert.equal(await relationOf(repository, first, last), "older");
    assert.equal(await relationOf(repository, last, first), "newer");
    assert.equal(await relationOf(repository, last, last), "same");
    assert.equal(await relationOf(repository, other, last), "diverged");
    assert.equal(await relationOf(repository, "0".repeat(40), last), "unknown");
    assert.equal(await relationOf(folder, first, last), "unknown");
  });

  it("a branch is only text, whatever it is called: nothing of it is executed", async () => {
    const commit = await resolveCommit(repository, nasty);
    assert.equal(commit.ref, nasty);
    assert.equal(commit.subject, "one $(touch pwned); 'quoted'");
    for (const place of [repository, folder, process.cwd()]) await assert.rejects(access(join(place, "pwned")));
  });

  it("a branch, a tag, a commit and the beginning of one name the same commit; only the first two are remembered by name", async () => {
    const { hash } = await resolveCommit(repository, "v1");
    const named = await Promise.all(
      [nasty, "v1", hash, hash.slice(0, 8)].map((name) => resolveCommit(repository, name)),
    );
    assert.deepEqual(
      named.map((each) => each.hash),
      [hash, hash, hash, hash],
    );
    assert.deepEqual(
      named.map((each) => each.ref),
      [nasty, "v1", null, null],
    );
    assert.equal((await resolveCommit(repository, null)).ref, "main");
  });

  it("a commit of a branch is that one wherever the branch is now, and none that is not on it", async () => {
    const [last, first] = await Promise.all([git("rev-parse", "main"), git("rev-parse", "main~1")]);
    const { hash, ref, refKind, subject } = await resolveCommit(repository, `main:${first}`);
    assert.deepEqual([hash, ref, refKind, subject], [first, "main", "branch", "one $(touch pwned); 'quoted'"]);
    assert.equal((await resolveCommit(repository, `${nasty}:${first}`)).ref, nasty);
    for (const name of [`${nasty}:${last}`, `nope:${first}`, `main:${"0".repeat(40)}`, `--all:${first}`])
      await assert.rejects(resolveCommit(repository, name), { code: "source/not-on-branch" }, name);
  });

  it("what nobody has is refused, also when it looks like an option or leaves the repository", async () => {
    for (const name of ["nope", "--output=/tmp/pwned", "-h", "x\ny", "HEAD:file.txt", "../../etc/passwd"]) {
      await assert.rejects(resolveCommit(repository, name), { code: "source/unknown-ref" }, name);
    }
  });

  it("a repository without a commit is told so", async () => {
    const empty = join(folder, "empty");
    await git("init", "--quiet", empty);
    await assert.rejects(resolveCommit(empty, null), { code: "source/no-commit" });
  });

  it("changed, deleted and new files count as not committed, ignored ones do not", async () => {
    const tree = join(folder, "tree");
    await git("clone", "--quiet", repository, tree);
    assert.equal(await uncommittedFiles(tree), 0);
    await writeFile(join(tree, ".gitignore"), "ignored.txt\n");
    await writeFile(join(tree, "ignored.txt"), "x");
    await writeFile(join(tree, "file.txt"), "changed");
    assert.equal(await uncommittedFiles(tree), 2);
    await rm(join(tree, "file.txt"));
    assert.equal(await uncommittedFiles(tree), 2);
  });

  it("a checkout holds what is committed and nothing else", async () => {
    await writeFile(join(repository, "file.txt"), "changed, not committed");
    await writeFile(join(repository, "untracked.txt"), "x");
    const out = join(folder, "checkouts", "a");
    const commit = await resolveCommit(repository, "v1");
    assert.deepEqual(await checkOut(repository, commit, out), []);
    assert.deepEqual(await readdir(out), ["file.txt"]);
    assert.equal(await readFile(join(out, "file.txt"), "utf8"), "one");
    assert.deepEqual(await readdir(join(folder, "checkouts")), ["a"]);
    await git("checkout", "--", "file.txt");
  });

  it("a checkout is no archive: it has what archives leave out, modes and links, and the commit's time on every file", async () => {
    const other = join(folder, "other");
    const inOther = (...args: string[]) => git("-C", other, ...args);
    await git("init", other);
    await mkdir(join(other, "tests"));
    await writeFile(join(other, ".gitattributes"), "tests export-ignore\n*.txt text eol=lf\n");
    await writeFile(join(other, "tests", "a.txt"), "one\r\ntwo\r\n");
    await writeFile(join(other, "run.sh"), "#!/bin/sh\n", { mode: 0o755 });
    await symlink("run.sh", join(other, "link"));
    await inOther("add", ".");
    await inOther("update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},vendor/theirs`);
    await inOther("commit", "-m", "as people write them");
    await inOther("config", "core.sparseCheckout", "true");
    await writeFile(join(other, ".gitattributes"), "*.txt binary\n");
    const before = await inOther("status", "--porcelain");
    const commit = await resolveCommit(other, null);
    const out = join(folder, "checkouts", "b");
    assert.deepEqual(await checkOut(other, commit, out), ["vendor/theirs"]);
    assert.equal(await readFile(join(out, "tests", "a.txt"), "utf8"), "one\ntwo\n");
    assert.equal((await stat(join(out, "run.sh"))).mode & 0o111, 0o111);
    assert.equal(await readlink(join(out, "link")), "run.sh");
    for (const name of ["run.sh", "link", "tests/a.txt"])
      assert.equal((await lstat(join(out, name))).mtimeMs, Date.parse(commit.time), name);
    assert.equal(await inOther("status", "--porcelain"), before);
  });

  it("the commits between two are told newest first, and which lies behind which", async () => {
    const [one, two] = [(await resolveCommit(repository, "v1")).hash, (await resolveCommit(repository, "main")).hash];
    assert.deepEqual(
      (await commitsBetween(repository, one, two, 10))?.map((line) => line.slice(8)),
      ["two $(touch pwned); 'quoted'"],
    );
    assert.deepEqual([await isAncestor(repository, one, two), await isAncestor(repository, two, one)], [true, false]);
    const unknown = "f".repeat(40);
    assert.deepEqual(
      [await isAncestor(repository, unknown, two), await commitsBetween(repository, unknown, two, 10)],
      [null, null],
    );
  });

  it("a folder outside any repository is told as such", async () => {
    const outside = await mkdtemp(join(tmpdir(), "outside-"));
    await assert.rejects(resolveCommit(outside, "main"), { code: "source/no-repository" });
    await assert.rejects(repositoryRoot(outside), { code: "source/no-repository" });
    await rm(outside, { recursive: true });
  });
});
