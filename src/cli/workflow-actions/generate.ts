import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { messageOf, ShiplockError } from "../../errors.ts";
import { compareWorkflows, type FileChange } from "../../github/workflows/compare.ts";
import { workflowsOf } from "../../github/workflows/generate.ts";
import type { WorkflowFile } from "../../github/workflows/types.ts";
import { repositoryRoot } from "../../release/source.ts";
import type { Flags } from "../commands/table.ts";
import { type CommandContext, loadProject } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { actionFor } from "../own-action.ts";

/** A stranger's file is never replaced, so a person has to get it out of the way. */
const forStrangers = "give it another name that does not begin with `shiplock-`, or remove it";

/** Lines of a difference that are shown; the rest is counted. */
const shownLines = 12;

/**
 * Writes the workflows that the configuration means, and removes those of ours that it no longer means. With `--check` nothing is written, and what differs is told.
 * @returns 1 with `--check` where anything differs
 * @throws ShiplockError `workflows/no-action`, `workflows/stranger`, `workflows/not-read`, `workflows/not-written`
 */
export async function generate(context: CommandContext, flags: Flags): Promise<number> {
  const config = await loadProject(context);
  const root = await repositoryRoot(config.folder);
  const configPath = relative(root, config.file).split(sep).join("/");
  const folder = join(root, ".github", "workflows");
  const wanted = workflowsOf({ config, configPath, action: actionFor(config.github), previews: null });
  const changes = compareWorkflows(wanted, await filesIn(folder), configPath);
  if (flags["check"] === true) return tellDrift(context, changes);
  refuseStrangers(folder, changes);
  for (const change of changes) await carryOut(folder, change, wanted);
  tellWritten(context, changes);
  return exitCodes.done;
}

async function filesIn(folder: string): Promise<WorkflowFile[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw notRead(folder, error);
  });
  const own = names.filter((name) => /^shiplock-.*\.yml$/.test(name)).sort();
  return Promise.all(
    own.map(async (name) => {
      const path = join(folder, name);
      const text = await readFile(path, "utf8").catch((error: unknown) => Promise.reject(notRead(path, error)));
      return { name, text };
    }),
  );
}

function notRead(path: string, cause: unknown): ShiplockError {
  return new ShiplockError({
    code: "workflows/not-read",
    blame: "usage",
    message: `the workflows that are there cannot be read: ${messageOf(cause)}`,
    where: path,
    remedy: "see to it that `.github/workflows` is a folder whose files this user may read, and run it again",
    cause,
  });
}

/** A file that somebody wrote is not replaced because it has a name that we want. */
function refuseStrangers(folder: string, changes: readonly FileChange[]): void {
  const strangers = changes.filter(({ kind }) => kind === "stranger").map(({ name }) => name);
  if (strangers.length === 0) return;
  throw new ShiplockError({
    code: "workflows/stranger",
    blame: "usage",
    message: `nothing was written: ${strangers.join(", ")} ${strangers.length === 1 ? "was" : "were"} not made by Shiplock`,
    where: folder,
    remedy: `${forStrangers}, and run it again`,
  });
}

async function carryOut(folder: string, { name, kind }: FileChange, wanted: readonly WorkflowFile[]): Promise<void> {
  const path = join(folder, name);
  const text = wanted.find((file) => file.name === name)?.text;
  try {
    if (kind === "left-over") await rm(path);
    if ((kind !== "missing" && kind !== "differs") || text === undefined) return;
    await mkdir(folder, { recursive: true });
    await writeFile(path, text);
  } catch (cause) {
    throw new ShiplockError({
      code: "workflows/not-written",
      message: `a workflow could not be ${kind === "left-over" ? "removed" : "written"}: ${messageOf(cause)}`,
      where: path,
      remedy: "see to it that this user may write there, and run it again",
      cause,
    });
  }
}

function tellWritten({ output }: CommandContext, changes: readonly FileChange[]): void {
  const words = { same: "unchanged", missing: "written", differs: "written", "left-over": "removed", stranger: "" };
  output.result({ files: changes.map(({ name, kind }) => ({ path: pathOf(name), result: words[kind] })) });
  for (const { name, kind } of changes)
    output.line(`${kind === "same" ? output.paint.dim(words[kind]) : output.paint.green(words[kind])} ${pathOf(name)}`);
  if (changes.length === 0) output.line("the configuration means no workflow");
  if (changes.some(({ kind }) => kind !== "same"))
    output.line("read them, and commit them; docs/workflows.md says which secrets they need");
}

function tellDrift({ output }: CommandContext, changes: readonly FileChange[]): number {
  const drifted = changes.filter(({ kind }) => kind !== "same");
  output.result({ files: changes.map(({ name, kind, diff }) => ({ path: pathOf(name), result: kind, diff })) });
  const words = {
    same: "",
    missing: "is missing",
    differs: "differs",
    "left-over": "is left over: the configuration no longer means it",
    stranger: `was not made by Shiplock: ${forStrangers}`,
  };
  for (const { name, kind, diff } of drifted) {
    output.line(`${output.paint.red(pathOf(name))} ${words[kind]}`);
    for (const line of diff.slice(0, shownLines)) output.line(`  ${line}`);
    if (diff.length > shownLines) output.line(`  and ${diff.length - shownLines} more lines`);
  }
  output.line(
    drifted.length === 0
      ? `${output.paint.green("the workflows")} are those that the configuration means`
      : "run `shiplock workflows` and commit what it writes",
  );
  return drifted.length === 0 ? exitCodes.done : exitCodes.failed;
}

function pathOf(name: string): string {
  return `.github/workflows/${name}`;
}
