import { ShiplockError } from "../../errors.ts";
import type { GateDecision } from "../../environments/gates/types.ts";
import type { ScanVerdict } from "./judge.ts";
import type { Finding } from "./types.ts";

const LINES_AT_MOST = 40;

/** What a verdict says about single findings, for people: what blocks first, then what is let through, then exceptions that can go. */
export function verdictLines(verdict: ScanVerdict): { blocking: string[]; ignored: string[]; unused: string[] } {
  return {
    blocking: shortened(
      verdict.blocking.map(({ image, finding, expired }) => {
        const again =
          expired === null ? "" : `; let through until ${expired.until} (${expired.reason}), and that is over`;
        return `${findingLine(finding, image)}${again}`;
      }),
    ),
    ignored: shortened(
      verdict.ignored.map(
        ({ image, finding, by }) => `${findingLine(finding, image)}: let through until ${by.until}, ${by.reason}`,
      ),
    ),
    unused: verdict.unused.map(({ id, package: name }) => `${id}${name === undefined ? "" : ` in ${name}`}`),
  };
}

/** The error for a gate that blocks. */
export function scanBlocked(decision: GateDecision, verdict: ScanVerdict | null): ShiplockError {
  return new ShiplockError({
    code: "gate/scan",
    blame: "gate",
    message: decision.reason,
    ...(decision.answer === "block" ? { remedy: decision.remedy } : {}),
    details: verdict === null ? [] : verdictLines(verdict).blocking,
  });
}

function findingLine({ severity, id, package: name, version, fixedIn, target, kind }: Finding, image: string): string {
  const what = name === "" ? `${kind} in ${target}` : [name, version].filter((part) => part !== "").join(" ");
  const mend = kind !== "vulnerability" ? "" : fixedIn === "" ? " (no fix yet)" : ` (fixed in ${fixedIn})`;
  return `${severity.toUpperCase()} ${id}: ${what}${mend}, in ${image}`;
}

function shortened(lines: string[]): string[] {
  if (lines.length <= LINES_AT_MOST) return lines;
  return [...lines.slice(0, LINES_AT_MOST), `and ${lines.length - LINES_AT_MOST} more; --json or --sarif FILE has all`];
}
