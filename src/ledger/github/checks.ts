import * as z from "zod";
import type { CheckJobEntry, CheckRunEntry } from "../types.ts";
import type { NewCheck } from "./types.ts";

/** In characters, with room for what stands around it; GitHub takes 65,535. */
const longestJson = 60_000;
const fence = "```";

const text = z.string();
const job = z.object({
  job: text,
  check: text,
  result: z.enum(["passed", "failed", "timed-out", "skipped", "cancelled"]),
  cached: z.boolean(),
  required: z.boolean(),
  durationMs: z.number(),
  reason: text.nullable(),
  summary: z.unknown(),
});
const piece = z.object({
  shiplock: z.literal(1),
  run: z.object({
    ...{ id: text.min(1), project: text, commit: text, source: text, definitions: text, who: text, origin: text },
    ...{ startedAt: z.number(), endedAt: z.number() },
    result: z.enum(["passed", "failed", "interrupted", "superseded"]),
  }),
  /** Place of this job in the run, and how many the run has. */
  index: z.number().int().nonnegative(),
  of: z.number().int().positive(),
  job,
});
type Piece = z.infer<typeof piece>;

/**
 * A run of checks as check runs of its commit, one for each job, so that a person sees each and a machine can put the run together again.
 * @param detailsUrl where the log is: the workflow's run
 */
export function checksOfRun(entry: CheckRunEntry, prefix: string, detailsUrl: string | null): NewCheck[] {
  const { jobs, ...run } = entry;
  return jobs.map((one, index) => ({
    name: `${prefix}${one.job}`,
    commit: run.commit,
    externalId: `${run.id}/${index}`,
    conclusion: conclusionOf(one),
    startedAt: run.startedAt,
    endedAt: Math.max(run.endedAt, run.startedAt),
    title: titleOf(one),
    summary: summaryOf(one, run.who),
    text: textOf({ shiplock: 1, run, index, of: jobs.length, job: { ...one, summary: one.summary ?? null } }),
    detailsUrl,
  }));
}

/** A check that need not pass stops nobody from merging. */
function conclusionOf({ result, required }: CheckJobEntry): NewCheck["conclusion"] {
  switch (result) {
    case "passed":
      return "success";
    case "skipped":
      return "skipped";
    case "cancelled":
      return "cancelled";
    case "timed-out":
      return required ? "timed_out" : "neutral";
    case "failed":
      return required ? "failure" : "neutral";
  }
}

function titleOf({ result, cached, durationMs, required }: CheckJobEntry): string {
  const how = cached
    ? "passed before, and nothing it reads has changed"
    : `${result} in ${(durationMs / 1000).toFixed(1)} s`;
  return required ? how : `${how} (not required)`;
}

function summaryOf({ reason }: CheckJobEntry, who: string): string {
  return `${reason === null ? "" : `${escaped(reason)}\n\n`}Run by ${escaped(who)} with \`shiplock check\`. Below is what other machines read of it.`;
}

/** Text of others' making as text, in a place where Markdown and HTML are read. */
function escaped(written: string): string {
  return written.replace(/[\\`*_{}[\]<>()#+.!|&@~-]/g, (character) => `&#${character.codePointAt(0)};`);
}

function textOf(told: Piece): string {
  const whole = JSON.stringify(told);
  // The counts of a report that is too long are worth less than that the job passed.
  const json = whole.length <= longestJson ? whole : JSON.stringify({ ...told, job: { ...told.job, summary: null } });
  // A fence within the JSON would end it early; escaped it is the same JSON.
  return `${fence}json\n${json.replaceAll("`", "\\u0060")}\n${fence}`;
}

/**
 * The runs of checks that can be put together whole from the texts of check runs; what is missing a job, or is none of ours, is left out.
 * @param commit that they have to be of, by its full hash
 */
export function runsInTexts(texts: readonly string[], project: string, commit: string): CheckRunEntry[] {
  const pieces = texts
    .flatMap((each) => pieceIn(each) ?? [])
    .filter(({ run }) => run.project === project && run.commit === commit);
  return [...Map.groupBy(pieces, ({ run }) => run.id).values()].flatMap((ofRun) => {
    const [first] = ofRun;
    if (first === undefined) return [];
    const header = JSON.stringify([first.run, first.of]);
    const same = ofRun.filter(({ run, of }) => JSON.stringify([run, of]) === header);
    const byIndex = new Map(same.map((each) => [each.index, each.job]));
    const jobs = Array.from({ length: Math.min(first.of, same.length) }, (_, index) => byIndex.get(index));
    const all = jobs.filter((each) => each !== undefined);
    return all.length === first.of
      ? [{ ...first.run, jobs: all.map((each) => ({ ...each, summary: each.summary ?? null })) }]
      : [];
  });
}

function pieceIn(written: string): Piece | null {
  const lines = written.split(/\r?\n/);
  const begin = lines.indexOf(`${fence}json`);
  const json = begin === -1 ? undefined : lines[begin + 1];
  if (json === undefined) return null;
  try {
    return piece.parse(JSON.parse(json));
  } catch {
    // Whoever may write check runs may write anything into them.
    return null;
  }
}
