import { cp } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { CheckRunResult } from "../../checks/run/check-run.ts";
import type { Config } from "../../config/types.ts";
import type { CheckRunEntry } from "../../ledger/types.ts";
import { countFlag, listArgument, textFlag } from "../arguments.ts";
import { filesToCheck } from "../check-files.ts";
import { resultDocument, summaryLines } from "../check-progress.ts";
import { runChecksOf } from "../check-run.ts";
import { type CommandContext, loadProject } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { demandNoLeaks } from "../leak-gate.ts";
import { sayWhatIsTaken } from "../release-for.ts";
import { openNotices } from "../notices.ts";
import { type CheckedOutCommit, checkOutCommit } from "../release-source.ts";
import type { Flags } from "./table.ts";

/** Runs the checks of a commit. Exit 1 when a required one does not pass. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { output } = context;
  const config = await loadProject(context);
  const source = await checkOutCommit(context, config, textFlag(flags, "ref"), flags["dirty"] === true);
  try {
    sayWhatIsTaken(context, "checks", source, "not checked");
    const files = await filesToCheck(source);
    await demandNoLeaks(context, source, { files });
    const names = listArgument(args, 0);
    if (Object.keys(source.config.checks).length === 0 && names.length === 0) {
      output.line("no checks are configured: there is nothing to do");
      output.result({ result: "passed", checks: [] });
      return exitCodes.done;
    }
    const folderOf = (name: string): string | null => {
      const folder = textFlag(flags, name);
      return folder === null ? null : resolve(context.cwd, folder);
    };
    const { result, entry } = await runChecksOf(context, source, files, {
      names,
      handed: folderOf("handed"),
      handOver: folderOf("handOver"),
      caches: folderOf("caches"),
      group: textFlag(flags, "group"),
      jobs: textFlag(flags, "jobs") === null ? null : countFlag(flags, "jobs", 2),
      cache: flags["cache"] !== false,
    });
    const folder = folderOf("artifacts");
    if (folder !== null) await copyArtifacts(result, folder);
    if (entry.result === "failed") await tellFailedChecks(context, config, source, entry);
    return tell(context, result, entry);
  } finally {
    await source.remove();
  }
}

/** Who runs checks sees them; who wants to hear of them all the same names the event in the configuration: in this one, since what is checked does not choose who gets our messages. */
async function tellFailedChecks(
  context: CommandContext,
  config: Config,
  { commit }: CheckedOutCommit,
  { jobs }: CheckRunEntry,
): Promise<void> {
  const failed = jobs.filter(({ result, required }) => required && (result === "failed" || result === "timed-out"));
  const reasons = failed.map(({ job, reason }) => (reason === null ? job : `${job}: ${reason}`));
  const notices = openNotices(context, config, null);
  const { hash, subject, ref } = commit;
  const facts = { commit: hash, subject, ref, outcome: reasons.join("; ") };
  notices.tell({ event: "check-failed", ...facts }, { onlyNamed: true });
  await notices.flush();
}

async function copyArtifacts({ results }: CheckRunResult, folder: string): Promise<void> {
  for (const { keptIn } of results) {
    if (keptIn !== null)
      await cp(keptIn, join(folder, basename(keptIn)), { recursive: true, force: true, verbatimSymlinks: true });
  }
}

function tell(context: CommandContext, result: CheckRunResult, entry: CheckRunEntry): number {
  const { output, signal } = context;
  const { paint } = output;
  output.result({
    run: entry.id,
    commit: entry.commit,
    source: entry.source,
    definitions: entry.definitions,
    result: entry.result,
    supersededBy: result.supersededBy,
    milliseconds: entry.endedAt - entry.startedAt,
    checks: result.results.map(resultDocument),
  });
  for (const line of summaryLines(output, result.results)) output.line(line);
  switch (entry.result) {
    case "passed":
      output.line(paint.green("passed"));
      return exitCodes.done;
    case "failed":
      output.line(paint.red("failed"));
      return exitCodes.failed;
    case "superseded":
      output.line(paint.yellow(`superseded: run ${result.supersededBy ?? ""} of the same group is newer`));
      return exitCodes.terminated;
    case "interrupted":
      output.line(paint.yellow("interrupted"));
      return signal.reason === "SIGTERM" ? exitCodes.terminated : exitCodes.interrupted;
  }
}
