import { changedFilesFrom, commitFrom, commitsFrom, logFormat } from "./read.ts";
import { gitOutput, runGit } from "./run.ts";
import type { Commit, GitStore, NewCommit, Ref } from "./types.ts";

const wholeHash = /^[0-9a-f]{40}$/;

/**
 * Makes an empty bare repository at `folder`, or takes the one that is there.
 * @param options.madeUpCommits any whole hash counts as a commit without parents and files
 */
export async function openGitStore(
  folder: string,
  options: { defaultBranch: string; madeUpCommits: boolean },
): Promise<GitStore> {
  await gitOutput(folder, ["init", "--quiet", "--bare", `--initial-branch=${options.defaultBranch}`]);
  // Commits never change, so what was once found is found again without asking.
  const known = new Map<string, Commit>();
  const store: GitStore = {
    folder,
    resolve,
    refs,
    setRef,
    commit,
    merge,
    commitTree,
    read,
    between,
    history,
    mergeBase,
    changedFiles,
    file,
  };
  return store;

  async function resolve(ref: string): Promise<string | null> {
    if (known.has(ref)) return ref;
    if (ref.startsWith("-") || ref === "") return null;
    const names = wholeHash.test(ref) ? [ref] : namesOf(ref);
    for (const name of names) {
      const { code, output } = await runGit(folder, [
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        `${name}^{commit}`,
      ]);
      if (code === 0) return output.toString("utf8").trim();
    }
    return options.madeUpCommits && wholeHash.test(ref) ? ref : null;
  }

  async function refs(prefix: string): Promise<readonly Ref[]> {
    const text = await gitOutput(folder, ["for-each-ref", "--format=%(refname) %(objectname) %(objecttype)"]);
    return text
      .split("\n")
      .map((line) => line.split(" "))
      .filter(([name = ""]) => name.startsWith(prefix) && name !== "")
      .map(([name = "", sha = "", type]) => ({ name, sha, type: type === "tag" ? "tag" : "commit" }));
  }

  async function setRef(name: string, sha: string | null): Promise<void> {
    await gitOutput(folder, sha === null ? ["update-ref", "-d", name] : ["update-ref", name, sha]);
  }

  async function commit({ message, author, at, parents, files }: NewCommit): Promise<string> {
    const who = signature({ author, at });
    const [from, ...merged] = parents;
    const lines = [
      // Nothing points at the temporary reference's name; a commit needs one to be written to.
      "reset refs/simulator/new",
      ...(from === undefined ? [] : [`from ${from}`]),
      "",
      "commit refs/simulator/new",
      "mark :1",
      `author ${who}`,
      `committer ${who}`,
      data(message),
      ...merged.map((parent) => `merge ${parent}`),
      ...Object.entries(files).map(([path, content]) =>
        content === null ? `D ${quoted(path)}` : `M 100644 inline ${quoted(path)}\n${data(content)}`,
      ),
      "",
      "get-mark :1",
      "reset refs/simulator/new",
      "from 0000000000000000000000000000000000000000",
      "",
    ];
    const sha = await gitOutput(folder, ["fast-import", "--quiet", "--force"], lines.join("\n"));
    if (!wholeHash.test(sha)) throw new Error(`git made no commit: ${sha}`);
    return sha;
  }

  async function merge(
    base: string,
    head: string,
    about: { message: string; author: NewCommit["author"]; at: Date },
  ): Promise<string | null> {
    const { code, output, errors } = await runGit(folder, ["merge-tree", "--write-tree", base, head]);
    if (code === 1) return null;
    if (code !== 0) throw new Error(`git merge-tree failed: ${errors.trim()}`);
    const [tree = ""] = output.toString("utf8").split("\n");
    return await written(tree, { parents: [base, head], ...about });
  }

  async function commitTree({ of, ...about }: Parameters<GitStore["commitTree"]>[0]): Promise<string> {
    return await written(await gitOutput(folder, ["rev-parse", `${of}^{tree}`]), about);
  }

  async function written(tree: string, about: Omit<NewCommit, "files">): Promise<string> {
    const who = signature(about);
    const parents = about.parents.map((parent) => `parent ${parent}\n`).join("");
    const text = `tree ${tree}\n${parents}author ${who}\ncommitter ${who}\n\n${about.message}\n`;
    return await gitOutput(folder, ["hash-object", "-t", "commit", "-w", "--stdin"], text);
  }

  async function read(sha: string): Promise<Commit | null> {
    const before = known.get(sha);
    if (before !== undefined) return before;
    const { code, output } = await runGit(folder, ["cat-file", "commit", sha]);
    const found = code === 0 ? commitFrom(sha, output.toString("utf8")) : null;
    if (found !== null) known.set(sha, found);
    return found ?? (options.madeUpCommits && wholeHash.test(sha) ? madeUp(sha) : null);
  }

  async function between(from: string | null, to: string, limit: number): Promise<readonly Commit[]> {
    const range = from === null ? [to] : [to, `^${from}`];
    const { code, output } = await runGit(folder, [
      "log",
      `--format=${logFormat}`,
      `--max-count=${limit}`,
      ...range,
      "--",
    ]);
    return code === 0 ? commitsFrom(output.toString("utf8")) : [];
  }

  async function history(sha: string, about: Parameters<GitStore["history"]>[1]): Promise<readonly Commit[]> {
    const { path, since, until } = about;
    const times = [
      ...(since === undefined ? [] : [`--since=${since}`]),
      ...(until === undefined ? [] : [`--until=${until}`]),
    ];
    const paths = path === undefined ? [] : [path];
    const { code, output } = await runGit(folder, ["log", `--format=${logFormat}`, ...times, sha, "--", ...paths]);
    return code === 0 ? commitsFrom(output.toString("utf8")) : [];
  }

  async function mergeBase(one: string, other: string): Promise<string | null> {
    const { code, output } = await runGit(folder, ["merge-base", one, other]);
    return code === 0 ? output.toString("utf8").trim() : null;
  }

  async function changedFiles(from: string, to: string): ReturnType<GitStore["changedFiles"]> {
    const { code, output } = await runGit(folder, ["diff", "--raw", "--numstat", "-z", "-M", "--abbrev=40", from, to]);
    return code === 0 ? changedFilesFrom(output.toString("utf8")) : [];
  }

  async function file(sha: string, path: string): ReturnType<GitStore["file"]> {
    const { code, output } = await runGit(folder, ["cat-file", "blob", `${sha}:${path}`]);
    if (code !== 0) return null;
    return { sha: await gitOutput(folder, ["rev-parse", `${sha}:${path}`]), content: output };
  }
}

function namesOf(ref: string): string[] {
  if (ref.startsWith("refs/") || ref === "HEAD") return [ref];
  if (ref.startsWith("heads/") || ref.startsWith("tags/")) return [`refs/${ref}`, `refs/heads/${ref}`];
  const hash = /^[0-9a-f]{7,39}$/.test(ref) ? [ref] : [];
  return [`refs/heads/${ref}`, `refs/tags/${ref}`, ...hash];
}

function signature({ author, at }: Pick<NewCommit, "author" | "at">): string {
  return `${author.name} <${author.email}> ${Math.floor(at.getTime() / 1000)} +0000`;
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}`;
}

function quoted(path: string): string {
  return `"${path.replaceAll("\\", "\\\\").replaceAll('"', String.raw`\"`).replaceAll("\n", String.raw`\n`)}"`;
}

const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

function madeUp(sha: string): Commit {
  const nobody = { name: "nobody", email: "nobody@example.com", date: "2026-01-01T00:00:00Z" };
  return { sha, tree: emptyTree, parents: [], author: nobody, committer: nobody, message: "Made up for a test" };
}
