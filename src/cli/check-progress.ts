import { passed } from "../checks/graph.ts";
import type { CheckEvent, JobResult } from "../checks/run/types.ts";
import { type CheckRow, checkTable, durationText, renderTable } from "../checks/table.ts";
import { maskTogether } from "../secrets/mask.ts";
import { type Output, printable } from "./output.ts";

/**
 * Shows checks while they run: a line for each line they write, with its time and the check's name in front.
 * @param names of all of them, for the width
 */
export function showChecks(output: Output, names: readonly string[]): (event: CheckEvent) => void {
  const { paint } = output;
  const width = Math.max(0, ...names.map((name) => name.length));

  function line(at: Date, job: string, text: string): void {
    output.line(`${paint.dim(timeOf(at))} ${paint.cyan(job.padEnd(width))} ${paint.dim("│")} ${text}`);
  }

  return (event) => {
    output.event(streamed(event));
    switch (event.kind) {
      case "run-note":
        return output.note(printable(event.text));
      case "check-started":
        return line(event.at, event.job, paint.bold(event.attempt === 1 ? "started" : `try ${event.attempt} started`));
      case "check-line":
        return line(event.at, event.job, printable(event.text));
      case "check-note":
        return line(event.at, event.job, paint.yellow(printable(event.text)));
      case "check-ended": {
        for (const detail of maskTogether(event.result.error?.details ?? [], output.mask))
          line(event.at, event.result.job.id, printable(detail));
        line(event.at, event.result.job.id, endText(output, event.result));
        const remedy = event.result.error?.remedy;
        if (remedy !== undefined) line(event.at, event.result.job.id, `${paint.cyan("what to do")}: ${remedy}`);
      }
    }
  };
}

function endText({ paint }: Output, { outcome, durationMs, reasons }: JobResult): string {
  const took = durationMs === null ? "" : ` (${durationText(durationMs)})`;
  const why = reasons.length === 0 ? "" : `: ${reasons.map((reason) => printable(reason.trim())).join("; ")}`;
  const word = outcome === "timed-out" ? "timed out" : outcome;
  const told = passed(outcome) ? paint.green(word) : outcome === "skipped" ? paint.dim(word) : paint.red(word);
  return `${told}${took}${why}`;
}

/** The table at the end, and where artifacts lie. */
export function summaryLines(output: Output, results: readonly JobResult[]): string[] {
  const rows = results.map(
    ({ job, outcome, reasons, durationMs, reports }): CheckRow => ({
      id: job.id,
      outcome,
      reason: printable(reasons[0] ?? ""),
      durationMs,
      reports,
      required: job.check.required,
    }),
  );
  const kept = results.flatMap(({ job, keptIn }) => (keptIn === null ? [] : [`artifacts of ${job.id}: ${keptIn}`]));
  return ["", ...renderTable(checkTable(rows), output.paint), ...kept];
}

/** A result as a document for machines. */
export function resultDocument({ job, outcome, durationMs, reasons, reports, keptIn }: JobResult) {
  const { name, required } = job.check;
  const took = durationMs === null ? null : Math.round(durationMs);
  return { job: job.id, check: name, outcome, required, durationMs: took, reasons, reports, artifacts: keptIn };
}

function streamed(event: CheckEvent): unknown {
  const at = event.at.toISOString();
  return event.kind === "check-ended" ? { kind: event.kind, at, ...resultDocument(event.result) } : { ...event, at };
}

/** The local time of day: what a person compares with a clock. */
function timeOf(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}
