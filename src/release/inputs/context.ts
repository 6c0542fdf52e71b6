import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readdir, readFile, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { type IgnoreRule, type Judged, judge, parseIgnore } from "./ignore.ts";

/** One file, folder or link of a build context. */
export type ContextEntry = {
  /** From the root of the context, with `/`. */
  path: string;
  kind: "file" | "folder" | "link";
  /** Permission bits. */
  mode: number;
  /** SHA-256 of a file, target of a link, empty for a folder. */
  content: string;
};

/** Files that are read at the same moment. */
const readAtOnce = 16;

/**
 * The rules of a build: those of `<Dockerfile>.dockerignore` if there is one, otherwise of the context's `.dockerignore`.
 * @param dockerfile relative to the context
 * @returns null where BuildKit would refuse the file
 */
export async function ignoreRules(context: string, dockerfile: string): Promise<IgnoreRule[] | null> {
  const text =
    (await textOf(join(context, `${dockerfile}.dockerignore`))) ?? (await textOf(join(context, ".dockerignore")));
  return text === null ? [] : parseIgnore(text);
}

/** What BuildKit gets of a context, sorted by path. Sockets, pipes and devices are left out; times do not count. */
export async function readContext(context: string, rules: readonly IgnoreRule[]): Promise<ContextEntry[]> {
  const root = await realpath(context);
  const exceptions = rules.some((rule) => rule.exception);
  const entries: ContextEntry[] = [];
  const files: ContextEntry[] = [];

  async function walk(folder: string, above: Judged | null): Promise<void> {
    for (const name of (await readdir(join(root, folder))).sort()) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const judged = judge(rules, path, above);
      const stat = await lstat(join(root, path));
      const mode = stat.mode & 0o7777;
      if (stat.isDirectory()) {
        if (judged.ignored && !exceptions) continue;
        const before = entries.length;
        await walk(path, judged);
        // A folder that is left out comes along for what an exception took in below it.
        if (!judged.ignored || entries.length > before)
          entries.splice(before, 0, { path, kind: "folder", mode, content: "" });
      } else if (judged.ignored) continue;
      else if (stat.isSymbolicLink())
        entries.push({ path, kind: "link", mode: 0, content: await readlink(join(root, path)) });
      else if (stat.isFile()) {
        const entry: ContextEntry = { path, kind: "file", mode, content: "" };
        entries.push(entry);
        files.push(entry);
      }
    }
  }

  await walk("", null);
  const waiting = files.values();
  const reader = async (): Promise<void> => {
    for (const entry of waiting) entry.content = await hashOf(join(root, entry.path));
  };
  await Promise.all(Array.from({ length: readAtOnce }, reader));
  return entries;
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

async function textOf(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
