import * as z from "zod";
import type { Finding, WarningSummary } from "../types.ts";
import { findingText, isPosition, shortened, summarizeFindings } from "./findings.ts";
import { decodeJsonReport, unreadable } from "./unreadable.ts";

const count = z.int().min(0);
const message = z.object({
  severity: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  line: z.unknown().optional(),
  column: z.unknown().optional(),
  message: z.unknown().optional(),
  ruleId: z.unknown().optional(),
});
/** Of what `eslint --format json` writes, what is counted here. A message of severity 2 is an error, one of 1 a warning. */
const shape = z.array(
  z.object({
    filePath: z.string(),
    errorCount: count.optional(),
    warningCount: count.optional(),
    messages: z.array(message),
  }),
);

/**
 * Reads ESLint's report in JSON. What a comment in the source suppressed does not count.
 * @param folder absolute path at which the check ran; files below it are named without it
 * @throws ShiplockError `check/report-unreadable`
 */
export function readEslint(bytes: Uint8Array, file: string, folder?: string): WarningSummary {
  const report = shape.safeParse(decodeJsonReport(bytes, file));
  if (!report.success) throw unreadable(file, "it is JSON, but not a list of files with messages as ESLint writes it");
  return summarizeFindings(
    report.data.map(({ filePath, messages, errorCount, warningCount }) => {
      const withSeverity = (wanted: number): number => messages.filter(({ severity }) => severity === wanted).length;
      return {
        file: shortened(filePath, folder),
        errors: errorCount ?? withSeverity(2),
        warnings: warningCount ?? withSeverity(1),
        findings: messages.flatMap((one) => findingOf(shortened(filePath, folder), one)),
      };
    }),
  );
}

function findingOf(
  file: string,
  { severity, line, column, message: said, ruleId }: z.infer<typeof message>,
): Finding[] {
  if (severity === 0 || !isPosition(line) || typeof said !== "string") return [];
  const text = findingText(said, typeof ruleId === "string" ? ruleId : undefined);
  const at = { file, line, ...(isPosition(column) ? { column } : {}) };
  return [{ severity: severity === 2 ? "error" : "warning", ...at, message: text }];
}
