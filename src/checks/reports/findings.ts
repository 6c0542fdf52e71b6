import type { WarningSummary } from "../types.ts";

const filesKept = 10;

/** What one file was found to have. */
export type FileFindings = { readonly file: string; readonly warnings: number; readonly errors: number };

/** The sums, and the files that have the most; a file may be named several times. */
export function summarizeFindings(found: Iterable<FileFindings>): WarningSummary {
  const counts = new Map<string, number>();
  let warnings = 0;
  let errors = 0;
  for (const one of found) {
    warnings += one.warnings;
    errors += one.errors;
    const count = one.warnings + one.errors;
    if (count > 0) counts.set(one.file, (counts.get(one.file) ?? 0) + count);
  }
  const files = [...counts]
    .map(([file, count]) => ({ file, count }))
    .sort((left, right) => right.count - left.count || (left.file < right.file ? -1 : 1));
  return { warnings, errors, files: files.slice(0, filesKept) };
}

/** A path below the folder that the check ran in, without that folder: what a person finds in the repository. */
export function shortened(path: string, folder: string | undefined): string {
  if (folder === undefined || folder === "") return path;
  const beginning = folder.endsWith("/") ? folder : `${folder}/`;
  return path.startsWith(beginning) ? path.slice(beginning.length) : path;
}
