import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import type { Tree } from "../../config/init/tree.ts";
import { readVariables } from "../../config/init/variables.ts";
import { ShiplockError } from "../../errors.ts";
import { runProgram } from "../../process.ts";

const programTimeoutMs = 30_000;
/** A source is smaller; lock files and what was generated are not looked through. */
const mostBytes = 400_000;
const mostLockBytes = 30_000_000;
const mostFiles = 50_000;
const readAtOnce = 64;

/** Sources, lists of packages and configuration: what a detector may look into. */
const readable =
  /(\.(?:[cm]?[jt]sx?|json|ya?ml|py|toml|txt|in|cfg|ini|html|svelte|astro|vue|prod|production|dockerignore)|(?:^|\/)(?:Dockerfile|Containerfile|Caddyfile|yarn\.lock|uv\.lock|poetry\.lock|\.nvmrc|\.node-version|\.python-version|\.npmrc|[\w.-]*\.?env\.(?:example|sample|template|dist)))$/;
const lock = /(^|\/)(package-lock\.json|npm-shrinkwrap\.json)$/;
const neverWalked = new Set([
  ".git",
  "node_modules",
  ".venv",
  "venv",
  "__pycache__",
  ".next",
  "dist",
  "build",
  "target",
]);

/**
 * Reads the files of a folder that git knows or would take; without git, or outside of a repository, all but what tools make. Of files that
 * git ignores only the names of variables are read.
 * @param folder absolute
 * @throws ShiplockError `init/too-many-files`
 */
export async function readTree(folder: string, signal: AbortSignal): Promise<Tree> {
  const paths = ((await listedByGit(folder, signal)) ?? (await walk(folder, folder)))
    .filter((path) => !path.includes("node_modules/"))
    .toSorted();
  if (paths.length > mostFiles) {
    throw new ShiplockError({
      code: "init/too-many-files",
      blame: "usage",
      message: `there are ${paths.length} files below ${folder}, more than ${mostFiles}`,
      remedy: "run it in the folder of the project, or name that with --project",
    });
  }
  const texts = new Map<string, string>();
  const wanted = paths.filter((path) => readable.test(path));
  for (let from = 0; from < wanted.length; from += readAtOnce) {
    signal.throwIfAborted();
    await Promise.all(
      wanted.slice(from, from + readAtOnce).map(async (path) => {
        const text = await textOf(join(folder, path), lock.test(path) ? mostLockBytes : mostBytes);
        if (text !== undefined) texts.set(path, text);
      }),
    );
  }
  // What was deleted and not yet committed is listed and not there.
  const missing = new Set(wanted.filter((path) => !texts.has(path)));
  const there = await Promise.all(paths.map(async (path) => !missing.has(path) || (await isFile(join(folder, path)))));
  return {
    folderName: basename(folder),
    paths: paths.filter((_, index) => there[index]),
    text: (path) => texts.get(path),
    ignoredVariables: await ignoredVariables(folder, paths, signal),
  };
}

async function listedByGit(folder: string, signal: AbortSignal): Promise<string[] | undefined> {
  return git(folder, ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], signal);
}

/** Names in `.env` files that no commit holds; their values are let go of right here. */
async function ignoredVariables(
  folder: string,
  known: readonly string[],
  signal: AbortSignal,
): Promise<Record<string, string[]>> {
  const globs = [":(glob)**/.env*", ":(glob)**/*.env"];
  const listed =
    (await git(folder, ["ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--", ...globs], signal)) ??
    [];
  const files = listed.filter((path) => !path.includes("node_modules/") && !known.includes(path)).slice(0, 100);
  const names = await Promise.all(
    files.map(
      async (path) =>
        [path, readVariables((await textOf(join(folder, path), mostBytes)) ?? "").map(({ name }) => name)] as const,
    ),
  );
  return Object.fromEntries(names);
}

async function git(folder: string, args: readonly string[], signal: AbortSignal): Promise<string[] | undefined> {
  try {
    const result = await runProgram("git", args, { cwd: folder, timeoutMs: programTimeoutMs, signal });
    return result.exitCode === 0 ? result.stdout.split("\0").filter((path) => path !== "") : undefined;
  } catch (error) {
    if (error instanceof ShiplockError && error.code === "program/missing") return undefined;
    throw error;
  }
}

async function walk(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return neverWalked.has(entry.name) ? [] : walk(root, path);
      // A real file of variables is nobody's to read where nothing says that it belongs to the repository.
      return entry.isFile() && !/^\.env(\.(?!example|sample|template|dist).*)?$/.test(entry.name)
        ? [relative(root, path)]
        : [];
    }),
  );
  return found.flat();
}

async function textOf(path: string, most: number): Promise<string | undefined> {
  try {
    const found = await stat(path);
    if (!found.isFile() || found.size > most) return undefined;
    const text = await readFile(path, "utf8");
    return text.includes("\0") ? undefined : text;
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "EACCES", "ELOOP"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return undefined;
    throw error;
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}
