import * as z from "zod";
import type { WarningSummary } from "../types.ts";
import { type FileFindings, findingText, isPosition, shortened, summarizeFindings } from "./findings.ts";
import { decodeJsonReport, unreadable } from "./unreadable.ts";

const level = z.enum(["none", "note", "warning", "error"]);
const index = z.int().min(-1);
const rule = z.object({
  id: z.string().optional(),
  defaultConfiguration: z.object({ level: level.optional() }).optional(),
});
const component = z.object({ rules: z.array(rule).optional() });
const result = z.object({
  ruleId: z.string().optional(),
  ruleIndex: index.optional(),
  rule: z
    .object({
      id: z.string().optional(),
      index: index.optional(),
      toolComponent: z.object({ index: index.optional() }).optional(),
    })
    .optional(),
  level: level.optional(),
  message: z.object({ text: z.string().optional() }).optional(),
  kind: z.string().optional(),
  baselineState: z.string().optional(),
  suppressions: z.array(z.object({ status: z.string().optional() })).optional(),
  locations: z
    .array(
      z.object({
        physicalLocation: z
          .object({
            artifactLocation: z.object({ uri: z.string().optional() }).optional(),
            region: z.object({ startLine: z.unknown().optional(), startColumn: z.unknown().optional() }).optional(),
          })
          .optional(),
      }),
    )
    .optional(),
});
const run = z.object({
  tool: z.object({ driver: component, extensions: z.array(component).optional() }),
  invocations: z.array(z.object({ executionSuccessful: z.boolean().optional() })).optional(),
  results: z.array(result).nullish(),
});
/** Of SARIF 2.1.0, what is counted here. */
const shape = z.object({ version: z.string(), runs: z.array(run) });

type Run = z.infer<typeof run>;
type Result = z.infer<typeof result>;
type Level = z.infer<typeof level>;

/**
 * Reads a report in SARIF 2.1.0 (OASIS). A result without a level has its rule's, and else `warning`; results that are suppressed, that say they found nothing wrong, or
 * that are there no more since the baseline do not count, nor do notes. A run that did not come to its end is no report.
 * @param folder absolute path at which the check ran; files below it are named without it
 * @throws ShiplockError `check/report-unreadable`
 */
export function readSarif(bytes: Uint8Array, file: string, folder?: string): WarningSummary {
  const report = shape.safeParse(decodeJsonReport(bytes, file));
  if (!report.success) throw unreadable(file, "it is JSON, but not SARIF");
  const { version, runs } = report.data;
  if (version !== "2.1.0") throw unreadable(file, `it is SARIF ${version.slice(0, 20)}, and 2.1.0 is expected`);
  if (runs.length === 0) throw unreadable(file, "it holds no run");
  return summarizeFindings(runs.flatMap((one) => findingsOf(one, file, folder)));
}

function findingsOf(one: Run, file: string, folder: string | undefined): FileFindings[] {
  if (one.invocations?.some((invocation) => invocation.executionSuccessful === false) === true) {
    throw unreadable(file, "the tool says in it that its run was not successful");
  }
  const { results } = one;
  if (results === undefined || results === null)
    throw unreadable(file, "a run in it has no results, so it did not look");
  return results
    .filter((found) => !isSuppressed(found) && found.baselineState !== "absent")
    .flatMap((found): FileFindings[] => {
      const severity = levelOf(found, one);
      if (severity !== "warning" && severity !== "error") return [];
      const place = found.locations?.[0]?.physicalLocation;
      const uri = place?.artifactLocation?.uri;
      const named = uri === undefined ? "(no file)" : shortened(pathOf(uri), folder);
      const line = place?.region?.startLine;
      const column = place?.region?.startColumn;
      const message = findingText(found.message?.text ?? "", found.ruleId ?? found.rule?.id);
      return [
        {
          file: named,
          findings:
            uri === undefined || message === "" || !isPosition(line)
              ? []
              : [{ severity, file: named, line, ...(isPosition(column) ? { column } : {}), message }],
          warnings: severity === "warning" ? 1 : 0,
          errors: severity === "error" ? 1 : 0,
        },
      ];
    });
}

/** A suppression that is still under review, or was rejected, suppresses nothing (SARIF 2.1.0, 3.27.23). */
function isSuppressed(found: Result): boolean {
  const suppressions = found.suppressions ?? [];
  return suppressions.length > 0 && suppressions.every(({ status }) => status === undefined || status === "accepted");
}

function levelOf(found: Result, one: Run): Level {
  if (found.level !== undefined) return found.level;
  if (found.kind !== undefined && found.kind !== "fail") return "none";
  return ruleOf(found, one)?.defaultConfiguration?.level ?? "warning";
}

/** By index where it is given, else by id; `csharp/unused` also means the rule `csharp` (3.52.4). */
function ruleOf(found: Result, one: Run): z.infer<typeof rule> | undefined {
  const extension = found.rule?.toolComponent?.index ?? -1;
  const owner = extension < 0 ? one.tool.driver : one.tool.extensions?.[extension];
  const rules = owner?.rules ?? [];
  const place = found.rule?.index ?? found.ruleIndex ?? -1;
  if (place >= 0) return rules[place];
  const id = found.rule?.id ?? found.ruleId;
  if (id === undefined) return undefined;
  return (
    rules.find((other) => other.id === id) ??
    rules.find((other) => other.id !== undefined && id.startsWith(`${other.id}/`))
  );
}

function pathOf(uri: string): string {
  const path = uri.replace(/^file:\/\/[^/]*/, "");
  try {
    return decodeURIComponent(path);
  } catch {
    // Not encoded after all: it is only shown.
    return path;
  }
}
