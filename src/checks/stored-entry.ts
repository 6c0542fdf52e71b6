import * as z from "zod";
import { hashOf } from "./stored-files.ts";
import type { LogLine, ReportSummary } from "./types.ts";

const count = z.int().min(0);
const time = z.number().min(0);
const file = z.object({ bytes: count, sha256: z.string().regex(/^[0-9a-f]{64}$/) });
const percent = z.number().min(0).max(100);

const finding = z.object({
  severity: z.enum(["error", "warning"]),
  file: z.string(),
  line: count,
  column: count.optional(),
  message: z.string(),
});

const reports = z.object({
  tests: z
    .object({
      tests: count,
      failed: count,
      skipped: count,
      durationMs: time,
      failures: z.array(
        z.object({ name: z.string(), message: z.string(), file: z.string().optional(), line: count.optional() }),
      ),
    })
    .nullable(),
  coverage: z
    .object({ percent: percent.nullable(), leastCovered: z.array(z.object({ file: z.string(), percent })) })
    .nullable(),
  warnings: z
    .object({
      warnings: count,
      errors: count,
      files: z.array(z.object({ file: z.string(), count })),
      findings: z.array(finding).optional(),
    })
    .nullable(),
}) satisfies z.ZodType<ReportSummary>;

const entry = z.object({
  version: z.literal(1),
  key: z.string(),
  savedAt: z.iso.datetime(),
  durationMs: time,
  reports,
  log: file,
  artifacts: file.nullable(),
});

/** What an entry says of itself and of the files beside it. */
export type Entry = Omit<z.infer<typeof entry>, "reports"> & { readonly reports: ReportSummary };

/** The entry as text: its own checksum in the first line, so that no digit in it can change unseen. */
export function encodeEntry(value: Entry): string {
  const text = JSON.stringify(value);
  return `${hashOf(text).sha256}\n${text}`;
}

/**
 * @param key under which the entry was found
 * @throws Error that says what is wrong with it
 */
export function decodeEntry(text: string, key: string): Entry {
  const end = text.indexOf("\n");
  const body = text.slice(end + 1);
  if (end < 0 || hashOf(body).sha256 !== text.slice(0, end)) throw new Error("the entry does not fit its checksum");
  const read = entry.safeParse(JSON.parse(body));
  if (!read.success) throw new Error("the entry is of another version");
  if (read.data.key !== key) throw new Error("the entry belongs to another key");
  return read.data;
}

const line = z.tuple([time, z.enum(["stdout", "stderr"]), z.string()]);

/** One line of JSON for each line of the log. */
export function encodeLog(log: readonly LogLine[]): string {
  return log.map(({ atMs, stream, text }) => `${JSON.stringify([atMs, stream, text])}\n`).join("");
}

/** @throws Error for anything that `encodeLog` did not write */
export function decodeLog(text: string): readonly LogLine[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((written) => {
      const [atMs, stream, said] = line.parse(JSON.parse(written));
      return { atMs, stream, text: said };
    });
}
