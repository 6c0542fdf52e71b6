import type { CoverageSummary } from "../types.ts";

const filesKept = 10;

/** Lines of one file: how many can be run, how many were. */
export type FileLines = { readonly file: string; readonly lines: number; readonly covered: number };

/** The share of all lines, and the files that have the smallest. Files without a line to run do not count. */
export function summarizeLines(files: readonly FileLines[]): CoverageSummary {
  const measured = files.filter(({ lines }) => lines > 0);
  const lines = measured.reduce((sum, file) => sum + file.lines, 0);
  const covered = measured.reduce((sum, file) => sum + file.covered, 0);
  return {
    percent: lines === 0 ? null : percentOf(covered, lines),
    leastCovered: measured
      .map((file) => ({ file: file.file, percent: percentOf(file.covered, file.lines) }))
      .sort((left, right) => left.percent - right.percent || (left.file < right.file ? -1 : 1))
      .filter(({ percent }) => percent < 100)
      .slice(0, filesKept),
  };
}

/** Multiplied first: 70 of 100 lines are 70 per cent, and not 70.00000000000001. */
export function percentOf(covered: number, lines: number): number {
  return (100 * Math.min(covered, lines)) / lines;
}
