import type { Check } from "../../config/types.ts";
import { ShiplockError } from "../../errors.ts";
import { selectFiles } from "../files.ts";
import type { CoverageSummary, Found, FoundReports, WarningSummary } from "../types.ts";
import { readCobertura } from "./cobertura.ts";
import { readEslint } from "./eslint.ts";
import { readJunit } from "./junit.ts";
import { readLcov } from "./lcov.ts";
import { readSarif } from "./sarif.ts";

/** The files that a check left, by paths relative to the folder it ran in. */
export type ReportFiles = {
  /**
   * The content of a file, or null where there is none.
   * @throws ShiplockError `check/report-unreadable` for what is too large, no file, or lies elsewhere
   */
  read(path: string): Promise<Uint8Array | null>;
  /** All files, for reports that are named by a pattern. */
  list(): Promise<readonly string[]>;
};

/**
 * Reads every report that a check names. One that cannot be read is an answer, and not an error: what follows from it is decided by `judgeReports`.
 * @param mask takes what may not be read out of what tests say, before it is cut to the length that is kept
 * @param folder absolute path at which the check ran, as its tools saw it; reports name files without it
 */
export async function readReports(
  check: Check,
  commandPassed: boolean,
  files: ReportFiles,
  mask: (text: string) => string,
  folder?: string,
): Promise<FoundReports> {
  const { coverage, warnings } = check;
  const junit = (await Promise.all(check.junit.map((pattern) => filesOf(pattern, files)))).flat();
  // One after the other: each may be large.
  const tests: FoundReports["tests"][number][] = [];
  for (const file of new Set(junit))
    tests.push(await found(file, files, (bytes) => readJunit(bytes, file, mask, folder)));
  return {
    commandPassed,
    tests,
    coverage:
      coverage === undefined
        ? null
        : await found(coverage.file, files, (bytes) => readCoverage(bytes, coverage.file, coverage.format)),
    warnings:
      warnings === undefined
        ? null
        : await found(warnings.file, files, (bytes) => readWarnings(bytes, warnings.file, warnings.format, folder)),
  };
}

/** Without a format, XML is Cobertura's, and everything else lcov's. */
function readCoverage(bytes: Uint8Array, file: string, format: "lcov" | "cobertura" | undefined): CoverageSummary {
  const chosen = format ?? (beginning(bytes).startsWith("<") ? "cobertura" : "lcov");
  return chosen === "cobertura" ? readCobertura(bytes, file) : readLcov(bytes, file);
}

/** Without a format, a list is ESLint's, and everything else SARIF. */
function readWarnings(
  bytes: Uint8Array,
  file: string,
  format: "eslint" | "sarif" | undefined,
  folder: string | undefined,
): WarningSummary {
  const chosen = format ?? (beginning(bytes).startsWith("[") ? "eslint" : "sarif");
  return chosen === "eslint" ? readEslint(bytes, file, folder) : readSarif(bytes, file, folder);
}

/** The first printed characters; those of an encoding with two bytes for each have zeros between them. */
function beginning(bytes: Uint8Array): string {
  return new TextDecoder("latin1")
    .decode(bytes.subarray(0, 200))
    .replace(/^(?:ï»¿|ÿþ|þÿ)/, "")
    .replaceAll("\u0000", "")
    .trimStart();
}

async function filesOf(pattern: string, files: ReportFiles): Promise<readonly string[]> {
  if (!/[*?[]/.test(pattern)) return [pattern];
  const matching = selectFiles([`/${pattern}`], await files.list());
  return matching.length === 0 ? [pattern] : matching.toSorted();
}

async function found<Summary>(
  file: string,
  files: ReportFiles,
  read: (bytes: Uint8Array) => Summary,
): Promise<Found<Summary>> {
  try {
    const bytes = await files.read(file);
    return bytes === null ? { kind: "missing", file } : { kind: "read", file, summary: read(bytes) };
  } catch (error) {
    if (!(error instanceof ShiplockError) || error.code !== "check/report-unreadable") throw error;
    return { kind: "unreadable", file, why: error.message };
  }
}
