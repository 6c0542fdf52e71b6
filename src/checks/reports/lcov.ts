import type { CoverageSummary } from "../types.ts";
import { type FileLines, summarizeLines } from "./line-coverage.ts";
import { decodeReport, unreadable } from "./unreadable.ts";

/** What the records of one file say: line by line, and in sum. */
type FileRecord = {
  records: number;
  covered: Map<number, boolean>;
  found: number | undefined;
  hit: number | undefined;
};

/**
 * Reads a coverage report in lcov's format. Sums (`LF`, `LH`) count as they are written; where they are missing, or a file has several records (one per test run), its
 * lines (`DA`) are counted, and a line is covered if it was run in one of them.
 * @throws ShiplockError `check/report-unreadable`
 */
export function readLcov(bytes: Uint8Array, file: string): CoverageSummary {
  const files = new Map<string, FileRecord>();
  let current: FileRecord | undefined;
  let number = 0;
  for (const written of linesIn(decodeReport(bytes, file))) {
    const line = written.trim();
    number += 1;
    if (line === "" || line.startsWith("#")) continue;
    const wrong = (why: string): Error => unreadable(file, `line ${number} ${why}`);
    if (line === "end_of_record") {
      if (current === undefined) throw wrong("ends a record that never began");
      current = undefined;
      continue;
    }
    const [, key, value] = /^([A-Z]{2,5}):(.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) throw wrong("is nothing that lcov writes");
    if (key === "SF") {
      if (current !== undefined) throw wrong("begins a record within another");
      current = files.get(value) ?? { records: 0, covered: new Map(), found: undefined, hit: undefined };
      current.records += 1;
      files.set(value, current);
    } else if (current !== undefined) {
      if (!take(current, key, value)) throw wrong(`has no number after ${key}`);
    } else if (key !== "TN") throw wrong("belongs to no file");
  }
  if (current !== undefined) throw unreadable(file, "it ends in the middle of a record");
  if (files.size === 0) throw unreadable(file, "it holds no record of lcov's");
  return summarizeLines([...files].map(([name, record]) => linesOf(name, record)));
}

/** One after the other: all at once they would need many times their room. */
function* linesIn(text: string): Generator<string> {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at);
    yield text.slice(at, end < 0 ? undefined : end);
    at = end < 0 ? text.length : end + 1;
  }
}

/** @returns whether the line could be understood */
function take(record: FileRecord, key: string, value: string): boolean {
  if (key === "DA") {
    const [, line, hits] = /^(\d+),(-?\d+(?:\.\d+)?(?:e\+?\d+)?)(?:,|$)/i.exec(value) ?? [];
    if (line === undefined || hits === undefined) return false;
    const number = Number(line);
    record.covered.set(number, record.covered.get(number) === true || Number(hits) > 0);
    return true;
  }
  if (key !== "LF" && key !== "LH") return true;
  if (!/^\d{1,15}$/.test(value)) return false;
  if (key === "LF") record.found = Math.max(record.found ?? 0, Number(value));
  else record.hit = Math.max(record.hit ?? 0, Number(value));
  return true;
}

function linesOf(file: string, record: FileRecord): FileLines {
  const { records, covered, found, hit } = record;
  const summed = found !== undefined && hit !== undefined;
  if (summed && (records === 1 || covered.size === 0)) return { file, lines: found, covered: hit };
  return {
    file,
    lines: covered.size,
    covered: covered
      .values()
      .filter((one) => one)
      .toArray().length,
  };
}
