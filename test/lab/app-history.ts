import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseDocument } from "yaml";
import { must } from "./process.ts";

/** A git repository with one commit per version of an application; each commit carries the version's name as its tag. */
export type AppHistory<Version extends string = string> = { path: string; commits: Record<Version, string> };

/** A value to put into `shiplock.yml` (undefined takes a key out), in all commits: `{ path: ["registry", "address"], value: "10.0.0.1:5000/shop" }`. */
export type ConfigChange = { path: readonly (string | number)[]; value: unknown };

export type HistoryOptions = { configure?: readonly ConfigChange[] };

/**
 * The shop's versions, oldest first: `v2` adds a column by a migration and shows it, `broken-health` starts and answers 500 on
 * its health path, `broken-exit` ends at once, `v5` mends both. From `broken-health` on only the image `api` changes.
 */
export type ShopVersion = "v1" | "v2" | "broken-health" | "broken-exit" | "v5";

/** What a version of the switchboard does; see examples/switchboard/README.md. Times are milliseconds. */
export type SwitchboardVersion = {
  version: string;
  startDelayMs?: number;
  startExit?: number;
  healthStatus?: number;
  healthFailAfterMs?: number;
  ignoreSigterm?: 0 | 1;
  migrationMs?: number;
  migrationExit?: number;
};

type Change = { version: string; message: string; apply: (path: string) => Promise<void> | void };

const examples = join(import.meta.dirname, "../../examples");
const patches = join(import.meta.dirname, "app-history");
/** What a developer's checkout of an example holds beside its sources. */
const leftovers = new Set(["node_modules", ".next", ".env", "__pycache__", ".pytest_cache", "next-env.d.ts"]);
const firstCommit = Date.parse("2026-01-05T09:00:00Z");
const hour = 3_600_000;

const shopChanges: readonly { version: Exclude<ShopVersion, "v1">; message: string }[] = [
  { version: "v2", message: "Show how many of a product are in stock" },
  { version: "broken-health", message: "Be healthy only with something to sell" },
  { version: "broken-exit", message: "Take the currency from the environment" },
  { version: "v5", message: "Sell in euros unless told otherwise" },
];

/**
 * Makes the shop's repository, on the branch `main`, with equal commits for equal sources.
 * @param folder an empty folder, or one that is not there yet
 */
export async function createShopRepository(
  folder: string,
  options: HistoryOptions = {},
): Promise<AppHistory<ShopVersion>> {
  const changes = shopChanges.map(({ version, message }) => ({
    version,
    message,
    apply: async (path: string) => {
      await git(path, ["apply", "--index", join(patches, `shop-${version}.patch`)]);
    },
  }));
  const first = { version: "v1", message: "A shop for tea", apply: () => undefined };
  return await createRepository(folder, "shop", [first, ...changes], options);
}

/**
 * Makes a repository of the switchboard with one commit per version, in this order, on the branch `main`.
 * @param folder an empty folder, or one that is not there yet
 * @param versions at least one; their names become tags
 */
export async function createSwitchboardRepository(
  folder: string,
  versions: readonly SwitchboardVersion[],
  options: HistoryOptions = {},
): Promise<AppHistory> {
  const changes = versions.map((version) => ({
    version: version.version,
    message: `Release ${version.version}`,
    apply: (path: string) => writeFileSync(join(path, "version.json"), `${JSON.stringify(version, null, 2)}\n`),
  }));
  return await createRepository(folder, "switchboard", changes, options);
}

async function createRepository(
  folder: string,
  example: string,
  changes: readonly Change[],
  options: HistoryOptions,
): Promise<AppHistory> {
  cpSync(join(examples, example), folder, { recursive: true, filter: (source) => !leftovers.has(basename(source)) });
  configure(join(folder, "shiplock.yml"), options.configure ?? []);
  await git(folder, ["init", "--quiet", "--initial-branch", "main"]);
  await git(folder, ["add", "--all"]);
  const commits: Record<string, string> = {};
  for (const [index, change] of changes.entries()) {
    await change.apply(folder);
    await git(folder, ["add", "--all"]);
    const at = firstCommit + index * hour;
    await git(folder, ["commit", "--quiet", "--allow-empty", "--message", change.message], at);
    await git(folder, ["tag", change.version]);
    commits[change.version] = (await git(folder, ["rev-parse", "HEAD"])).trim();
  }
  return { path: folder, commits };
}

function configure(file: string, changes: readonly ConfigChange[]): void {
  if (changes.length === 0) return;
  const document = parseDocument(readFileSync(file, "utf8"));
  for (const { path, value } of changes) {
    if (value === undefined) document.deleteIn(path);
    else document.setIn(path, document.createNode(value));
  }
  writeFileSync(file, document.toString({ lineWidth: 0 }));
}

/** Runs git as the history's author, out of reach of the machine's own configuration. */
async function git(folder: string, args: readonly string[], at: number = firstCommit): Promise<string> {
  const who = { name: "Ada", email: "ada@example.com", date: new Date(at).toISOString() };
  const env = {
    PATH: process.env["PATH"],
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_AUTHOR_NAME: who.name,
    GIT_AUTHOR_EMAIL: who.email,
    GIT_AUTHOR_DATE: who.date,
    GIT_COMMITTER_NAME: who.name,
    GIT_COMMITTER_EMAIL: who.email,
    GIT_COMMITTER_DATE: who.date,
  };
  return await must(["git", "-C", folder, ...args], { env });
}
