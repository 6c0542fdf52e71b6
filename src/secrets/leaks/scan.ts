import { createHash, scrypt } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { createFinder } from "../mask.ts";
import type { Range } from "../masking/matcher.ts";
import type { KnownClean } from "./known-clean.ts";
import type { Rules } from "./rules.ts";
import type { Leak, LeakReport, ScannedFile } from "./types.ts";

/** A longer file is data. */
const longestBytes = 1024 * 1024;
/** Of a file so much is looked at to tell whether it is text, as git does. */
const beginningBytes = 8_000;
/** The value of a shorter secret stands in files by chance. */
const shortestValue = 8;

export type LeakScan = {
  /** Absolute path of the folder that the files lie in. */
  readonly root: string;
  /** Asked for only when the tree is not known. */
  readonly files: () => Promise<readonly ScannedFile[]>;
  /** What the files are together: a commit, or the hash of a working tree. */
  readonly tree: string;
  /** Values by name that this machine knows of the declared secrets. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly rules: () => Promise<Rules>;
  readonly rulesVersion: string;
  readonly known: KnownClean;
  readonly signal: AbortSignal;
};

/**
 * Looks through the files of a commit for what should not be in one: what the rules know, and the values of the project's own secrets. A tree in which nothing was found is not
 * looked through again, nor is a file by the rules.
 * @returns an empty report for a tree that is known
 */
export async function scanForLeaks(scan: LeakScan): Promise<LeakReport> {
  const { known, signal, rulesVersion } = scan;
  const secrets = Object.entries(scan.secrets).filter(([, value]) => value.trim().length >= shortestValue);
  const tree = await treeKey(scan, secrets);
  const clean = await known.read(rulesVersion);
  if (clean.trees.includes(tree)) return { leaks: [], tooLong: [] };
  const rules = await scan.rules();
  const find = createFinder(secrets.map(([, value]) => value));
  const byName = secrets.map(([name, value]) => ({ name, find: createFinder([value]) }));
  const found: Leak[] = [];
  const tooLong: string[] = [];
  const cleanFiles: string[] = [];
  for (const file of await scan.files()) {
    signal.throwIfAborted();
    const text = file.mode === "120000" ? null : await readText(join(scan.root, file.path));
    if (text === "too long") tooLong.push(file.path);
    if (text === null || text === "too long") continue;
    const content = text.content;
    const key = fileKey(file);
    const byRules = clean.files.has(key) ? [] : await rules.find(file.path, content);
    if (byRules.length === 0) cleanFiles.push(key);
    found.push(...sorted([...byRules, ...valuesIn(file.path, content, find(content), byName)]));
  }
  const trees = found.length === 0 && tooLong.length === 0 ? [tree] : [];
  await known.write({ rulesVersion, trees: [...trees, ...clean.trees], files: cleanFiles });
  return { leaks: found, tooLong };
}

/** @param ranges in the order of the text */
function valuesIn(
  file: string,
  content: string,
  ranges: readonly Range[],
  byName: readonly { name: string; find: (text: string) => readonly Range[] }[],
): Leak[] {
  let line = 1;
  let begin = 0;
  let end = content.indexOf("\n");
  return ranges.map(({ from, to }) => {
    while (end >= 0 && end < from) {
      line += 1;
      begin = end + 1;
      end = content.indexOf("\n", begin);
    }
    const part = content.slice(from, to);
    const names = byName.filter((one) => one.find(part).length > 0).map(({ name }) => name);
    const what = `the value of the declared secret ${names.join(", ")}`;
    return { file, line, column: from - begin + 1, rule: "declared-secret", what };
  });
}

function sorted(leaks: readonly Leak[]): Leak[] {
  return leaks.toSorted((one, other) => one.line - other.line || one.column - other.column);
}

/** The text of a file; null for what is none. */
async function readText(path: string): Promise<{ content: string } | "too long" | null> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const beginning = await file.read(Buffer.alloc(Math.min(size, beginningBytes)), 0, undefined, 0);
    if (beginning.buffer.subarray(0, beginning.bytesRead).includes(0)) return null;
    return size > longestBytes ? "too long" : { content: await file.readFile("utf8") };
  } finally {
    await file.close();
  }
}

/** Some rules look at a file's name. */
function fileKey({ path, hash }: ScannedFile): string {
  return createHash("sha256")
    .update(JSON.stringify([path, hash]))
    .digest("hex")
    .slice(0, 32);
}

const derive = promisify<string, string, number, Buffer>(scrypt);

/** Made slow where values of secrets go in, since it is kept: so they cannot be found by trying many. */
async function treeKey({ tree }: LeakScan, secrets: readonly [string, string][]): Promise<string> {
  if (secrets.length === 0) return tree;
  const values = JSON.stringify(secrets.toSorted(([one], [other]) => (one < other ? -1 : 1)));
  return `${tree} ${(await derive(values, `shiplock leaks of ${tree}`, 16)).toString("hex")}`;
}
