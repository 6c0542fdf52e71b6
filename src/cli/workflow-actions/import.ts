import { access } from "node:fs/promises";
import { join } from "node:path";
import { counted } from "../../counted.ts";
import { ShiplockError } from "../../errors.ts";
import { repositoryOfRemote } from "../../github/api/repository.ts";
import { importWorkflows as importFrom } from "../../github/import/import.ts";
import type { Import } from "../../github/import/types.ts";
import { originOf } from "../../release/source.ts";
import type { Flags } from "../commands/table.ts";
import type { CommandContext } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { readTree } from "../init/read-tree.ts";
import { writeWhole } from "../init/write-files.ts";
import { type Output, printable } from "../output.ts";
import { readWorkflowFiles } from "./workflow-files.ts";

const configNames = ["shiplock.yml", "shiplock.yaml", "shiplock.config.ts"] as const;

/**
 * Reads workflows that somebody wrote, and proposes the configuration that does the same. With `--write` it becomes `shiplock.yml`, never over one that is there.
 * @throws ShiplockError `workflows/has-config`, `workflows/none`, `workflows/not-read`; `init/…` about the rest of the repository
 */
export async function importWorkflows(
  context: CommandContext,
  files: readonly string[],
  flags: Flags,
): Promise<number> {
  const { cwd, output, signal } = context;
  const write = flags["write"] === true;
  if (write) await refuseConfig(cwd);
  const sources = await readWorkflowFiles(context, files);
  const tree = await readTree(cwd, signal);
  const proposal = importFrom(sources, tree, { root: cwd, repository: await repositoryName(cwd) });
  if (write) await writeWhole(cwd, "shiplock.yml", proposal.text);
  output.result({ files: Object.keys(sources), written: write, ...proposal });
  tell(output, proposal, write);
  return exitCodes.done;
}

async function refuseConfig(cwd: string): Promise<void> {
  for (const name of configNames) {
    const there = await access(join(cwd, name)).then(
      () => true,
      () => false,
    );
    if (!there) continue;
    throw new ShiplockError({
      code: "workflows/has-config",
      blame: "usage",
      message: `nothing was written: there is a ${name}`,
      where: name,
      remedy: "leave out --write and take over by hand what you want, or move the file away",
    });
  }
}

/** What `origin` is called on its server, if it is there. */
async function repositoryName(cwd: string): Promise<string | null> {
  const remote = await originOf(cwd).catch(() => null);
  const found = remote === null ? null : repositoryOfRemote(remote);
  return found === null ? null : `${found.repository.owner}/${found.repository.name}`;
}

function tell(output: Output, proposal: Import, written: boolean): void {
  const { paint } = output;
  const { text, taken, questions, left, notes, missing, problems } = proposal;
  if (!written) {
    for (const line of text.trimEnd().split("\n")) output.line(printable(line));
    output.line();
  }
  const word = written ? "shiplock.yml written" : "nothing was written";
  output.line(`${paint.bold(word)}: ${counted(taken.length, "line")} from workflows`);
  if (problems.length > 0) output.line(paint.red("the proposal cannot be loaded as it is:"));
  for (const problem of problems) output.line(`  ${printable(problem)}`);
  if (questions.length > 0)
    output.line(paint.yellow(`${counted(questions.length, "question")} to answer, marked with ? in the file:`));
  for (const { file, line, key, question } of questions)
    output.line(`  ${paint.bold(printable(key))}: ${printable(question)} ${paint.dim(`(${printable(file)}:${line})`)}`);
  if (left.length > 0) output.line(paint.yellow(`${counted(left.length, "thing")} not translated:`));
  for (const { file, line, what, why, instead } of left) {
    output.line(`  ${printable(file)}:${line}  ${paint.bold(printable(what))}`);
    output.line(`    ${printable(why)}`);
    output.line(`    ${paint.cyan("instead")}: ${printable(instead)}`);
  }
  for (const note of notes) output.line(`${paint.yellow("note")} ${printable(note)}`);
  if (missing.length > 0)
    output.line(
      `${paint.yellow("missing")} ${missing.map(printable).join(", ")}: \`shiplock init\` writes what the configuration refers to`,
    );
  output.line(
    written
      ? "next: look it over, commit it, then `shiplock doctor`, `shiplock workflows`, and remove the old workflows"
      : "run it with --write to make it shiplock.yml",
  );
}
