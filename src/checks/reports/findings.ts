import type { Finding, WarningSummary } from "../types.ts";

const filesKept = 10;
const findingsKept = 20;
const messageLength = 300;

/** What one file was found to have. */
export type FileFindings = {
  readonly file: string;
  readonly warnings: number;
  readonly errors: number;
  /** Those of which the report says the line. */
  readonly findings: readonly Finding[];
};

/** A finding as it is kept: its first line, and the rule that it breaks. */
export function findingText(message: string, rule: string | undefined): string {
  const [line = ""] = message.trim().split(/\r?\n/);
  const text = rule === undefined || rule === "" ? line : `${line} (${rule})`;
  return text.length > messageLength ? `${text.slice(0, messageLength - 1)}…` : text;
}

/** Whether a report's word for a line or column is one; they count from 1. */
export function isPosition(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) > 0;
}

/** The sums, the files that have the most, and the first findings; a file may be named several times. */
export function summarizeFindings(found: Iterable<FileFindings>): WarningSummary {
  const counts = new Map<string, number>();
  let warnings = 0;
  let errors = 0;
  const placed: Finding[] = [];
  for (const one of found) {
    warnings += one.warnings;
    errors += one.errors;
    placed.push(...one.findings);
    const count = one.warnings + one.errors;
    if (count > 0) counts.set(one.file, (counts.get(one.file) ?? 0) + count);
  }
  const files = [...counts]
    .map(([file, count]) => ({ file, count }))
    .sort((left, right) => right.count - left.count || (left.file < right.file ? -1 : 1));
  const ordered = placed.toSorted(
    (left, right) => Number(right.severity === "error") - Number(left.severity === "error"),
  );
  const findings = ordered.slice(0, findingsKept);
  return { warnings, errors, files: files.slice(0, filesKept), ...(findings.length === 0 ? {} : { findings }) };
}

/** A path below the folder that the check ran in, without that folder: what a person finds in the repository. */
export function shortened(path: string, folder: string | undefined): string {
  if (folder === undefined || folder === "") return path;
  const beginning = folder.endsWith("/") ? folder : `${folder}/`;
  return path.startsWith(beginning) ? path.slice(beginning.length) : path;
}
