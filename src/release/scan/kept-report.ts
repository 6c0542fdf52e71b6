import * as z from "zod";
import { scanError } from "./errors.ts";
import { SEVERITIES } from "./findings.ts";
import type { ScanReport } from "./types.ts";

const finding = z.strictObject({
  kind: z.enum(["vulnerability", "secret", "misconfiguration", "licence"]),
  id: z.string(),
  severity: z.enum(SEVERITIES),
  place: z.enum(["os", "language", "image"]),
  package: z.string(),
  version: z.string(),
  fixedIn: z.string(),
  target: z.string(),
  title: z.string(),
  url: z.string(),
});
const report = z.strictObject({
  version: z.literal(1),
  image: z.string(),
  digest: z.string(),
  platforms: z.array(z.string()),
  scanner: z.strictObject({ name: z.string(), version: z.string() }),
  at: z.iso.datetime(),
  findings: z.array(finding),
});

/** A report's bytes as they are kept. */
export function reportBytes(value: ScanReport): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`, "utf8");
}

/** The report that was kept. Errors: `scan/unreadable` when it is none of this form: then it is as if there were none. */
export function readReport(bytes: Uint8Array): ScanReport {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (cause) {
    throw unreadable(cause);
  }
  const parsed = report.safeParse(value);
  if (parsed.success) return parsed.data;
  throw unreadable(parsed.error);
}

function unreadable(cause: unknown): Error {
  return scanError("scan/unreadable", "the report that was kept with the release cannot be read", {
    remedy: "scan it anew with `shiplock scan`",
    cause,
  });
}
