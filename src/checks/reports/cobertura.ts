import type { CoverageSummary } from "../types.ts";
import { percentOf, summarizeLines } from "./line-coverage.ts";
import { unreadable } from "./unreadable.ts";
import { readXml, wholeNumber } from "./xml.ts";

/**
 * Reads a coverage report in Cobertura's format, as coverage.py and many others write it. The lines of its files are counted, each once, however many classes and methods
 * list it; a report without lines is believed in its sums, and one without sums in its rate.
 * @throws ShiplockError `check/report-unreadable`
 */
export function readCobertura(bytes: Uint8Array, file: string): CoverageSummary {
  const files = new Map<string, Map<number, boolean>>();
  let root: Readonly<Record<string, string>> | undefined;
  let current: Map<number, boolean> | undefined;
  readXml(bytes, file, ["coverage"], {
    open(name, attributes) {
      root ??= attributes;
      if (name === "class") {
        const path = attributes["filename"] ?? attributes["name"] ?? "";
        current = files.get(path) ?? new Map<number, boolean>();
        files.set(path, current);
      }
      if (name !== "line" || current === undefined) return;
      const number = wholeNumber(attributes["number"]);
      const hits = wholeNumber(attributes["hits"]);
      if (number === undefined || hits === undefined) throw unreadable(file, "a line lacks its number or its hits");
      current.set(number, current.get(number) === true || hits > 0);
    },
    close(name) {
      if (name === "class") current = undefined;
    },
  });
  const counted = summarizeLines(
    [...files].map(([path, lines]) => ({
      file: path,
      lines: lines.size,
      covered: lines
        .values()
        .filter((one) => one)
        .toArray().length,
    })),
  );
  return counted.percent === null ? { percent: declaredPercent(root ?? {}, file), leastCovered: [] } : counted;
}

function declaredPercent(root: Readonly<Record<string, string>>, file: string): number | null {
  const valid = wholeNumber(root["lines-valid"]);
  const covered = wholeNumber(root["lines-covered"]);
  if (valid !== undefined && covered !== undefined) return valid === 0 ? null : percentOf(covered, valid);
  const written = root["line-rate"];
  if (written === undefined) throw unreadable(file, "it has neither lines nor a line-rate");
  const rate = /^\d+(?:\.\d+)?(?:e-?\d+)?$/i.test(written.trim()) ? Number(written) : Number.NaN;
  if (!(rate >= 0 && rate <= 1)) throw unreadable(file, "its line-rate is no number from 0 to 1");
  // 0.29 is 29 per cent, and not 28.999999999999996.
  return Math.round(rate * 1e8) / 1e6;
}
