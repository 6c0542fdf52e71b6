import * as z from "zod";
import * as part from "./schema-parts.ts";

const severities = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "NEGLIGIBLE", "UNKNOWN"] as const;

function block() {
  return z
    .array(z.enum(severities))
    .min(1)
    .optional()
    .describe("Severities of findings that block: CRITICAL, HIGH, MEDIUM, LOW, NEGLIGIBLE, UNKNOWN.");
}

function onlyFixed() {
  return z.boolean().optional().describe("Only findings that have a fix block. Default: false.");
}

function ignore() {
  return z.strictObject({
    id: part.filledText().describe('Id of the finding, as the scanner reports it: "CVE-2026-1234".'),
    reason: part.filledText().describe("Why it is let through; shown wherever it is."),
    until: z
      .string()
      .regex(/^\d{4}-\d{2}-\d{2}$/, 'must be a day such as "2027-01-31"')
      .refine(isDay, "is no day of the calendar")
      .describe("The last day on which it is let through (UTC): it blocks again from the next day on."),
    package: part.filledText().optional().describe("Only in this package. Default: wherever it is found."),
  });
}

/** The scan of images for known vulnerabilities, for all environments. */
export function scan() {
  return z.strictObject({
    with: z.enum(["trivy", "grype"]).describe("The scanner; its program has to be installed where Shiplock runs."),
    block: block().describe(
      "Severities of findings that block: CRITICAL, HIGH, MEDIUM, LOW, NEGLIGIBLE, UNKNOWN. Default: `[CRITICAL, HIGH]`.",
    ),
    onlyFixed: onlyFixed(),
    ignore: z.array(ignore()).optional().describe("Findings that are let through for a time, each with its reason."),
    timeout: part.durationFrom(1000, "1s").optional().describe('For the scan of one image. Default: "10m".'),
  });
}

/** What an environment wants otherwise. */
export function environmentScan() {
  return z.union([
    z.enum(["off"]),
    z.literal(false),
    z.strictObject({
      block: block().describe("Severities that block here. Default: those of `scan.block`."),
      onlyFixed: onlyFixed().describe("Only findings that have a fix block here. Default: `scan.onlyFixed`."),
    }),
  ]);
}

/** Whether a text of digits is a day that exists. */
function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}
