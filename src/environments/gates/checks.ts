import type { CheckJobEntry, CheckRunEntry } from "../../ledger/types.ts";
import type { PassedChecks } from "../../release/types.ts";
import type { GateDecision } from "./types.ts";

/** What is known about the checks of what shall be deployed. */
export type CheckFacts = {
  /** Full hash. */
  readonly commit: string;
  /** "commit", or the hash of the working tree that is taken instead. */
  readonly source: string;
  /** Hash of the definitions of all checks in the commit's own configuration. */
  readonly definitions: string;
  /** Jobs of the checks that have to pass; none where the configuration demands none. */
  readonly required: readonly string[];
  /** Runs of this commit's checks that this machine knows. */
  readonly runs: readonly CheckRunEntry[];
  /** What releases of this very commit say about themselves: they were let through once, perhaps on another machine. */
  readonly recorded: readonly PassedChecks[];
};

const gate = "checks" as const;

/**
 * Nothing is built for an environment or deployed unless every required check passed for exactly this commit, with exactly these definitions. Of several runs the newest word
 * about a check counts; what is unknown blocks.
 * @returns with a pass, what passed: the release keeps it
 */
export function judgeChecks(facts: CheckFacts): { decision: GateDecision; passed: PassedChecks | null } {
  const { required, definitions } = facts;
  if (required.length === 0) return { decision: pass("no check is required"), passed: null };
  const fitting = facts.runs
    .filter((run) => run.source === facts.source && run.definitions === definitions)
    .toSorted((left, right) => right.endedAt - left.endedAt);
  const words = required.map((job) => ({ job, word: newestWord(job, fitting) }));
  const failed = words.filter(({ word }) => word !== null && word.entry.result !== "passed");
  const unknown = words.filter(({ word }) => word === null).map(({ job }) => job);
  if (failed.length > 0) return { decision: block(facts, failed.map(failureText).join("; ")), passed: null };
  if (unknown.length === 0) {
    const at = Math.max(...words.map(({ word }) => word?.run.endedAt ?? 0));
    return {
      decision: pass(`${listed(required)} passed for ${named(facts)}`),
      passed: { definitions, passed: required, at: new Date(at).toISOString(), ...coverageOf(words) },
    };
  }
  const recorded = facts.recorded.find(
    (one) => one.definitions === definitions && required.every((job) => one.passed.includes(job)),
  );
  if (recorded !== undefined)
    return { decision: pass(`its release says that ${listed(required)} passed on ${recorded.at}`), passed: recorded };
  return { decision: block(facts, unknownText(facts, unknown)), passed: null };
}

/** What the checks' reports say of coverage; nothing where none measures it. */
function coverageOf(
  words: readonly { job: string; word: ReturnType<typeof newestWord> }[],
): Pick<PassedChecks, "coverage"> {
  const found = words.flatMap(({ job, word }): [string, number][] => {
    const { coverage } = (word?.entry.summary ?? {}) as { coverage?: { percent?: unknown } | null };
    return typeof coverage?.percent === "number" ? [[job, coverage.percent]] : [];
  });
  return found.length === 0 ? {} : { coverage: Object.fromEntries(found) };
}

/** What was said last about a job; a run in which it was skipped or interrupted says nothing. */
function newestWord(
  job: string,
  newestFirst: readonly CheckRunEntry[],
): { run: CheckRunEntry; entry: CheckJobEntry } | null {
  for (const run of newestFirst) {
    const entry = run.jobs.find((one) => one.job === job);
    if (entry !== undefined && entry.result !== "skipped" && entry.result !== "cancelled") return { run, entry };
  }
  return null;
}

function failureText({ job, word }: { job: string; word: ReturnType<typeof newestWord> }): string {
  const what = word?.entry.result === "timed-out" ? "timed out" : "failed";
  const reason = word?.entry.reason ?? null;
  return `${job} ${what}${reason === null ? "" : ` (${reason})`}`;
}

function unknownText(facts: CheckFacts, unknown: readonly string[]): string {
  const seen = (run: CheckRunEntry): boolean => run.jobs.some((one) => unknown.includes(one.job));
  const known = facts.runs.filter(seen);
  const who = listed(unknown);
  if (known.some((run) => run.source === facts.source && run.definitions !== facts.definitions))
    return `the results of ${who} are of other definitions of the checks than the commit has`;
  if (known.some((run) => run.source !== facts.source && run.definitions === facts.definitions))
    return `the results of ${who} are of other files than those that shall be deployed`;
  return `nothing is known about ${who}`;
}

function pass(reason: string): GateDecision {
  return { gate, answer: "pass", reason };
}

function block(facts: CheckFacts, why: string): GateDecision {
  const command =
    facts.source === "commit" ? `shiplock check --ref ${facts.commit.slice(0, 12)}` : "shiplock check --dirty";
  return {
    gate,
    answer: "block",
    reason: `the required checks have not passed for ${named(facts)}: ${why}`,
    remedy: `run \`${command}\`, or add --check to run them in the same go`,
  };
}

function named({ commit, source }: CheckFacts): string {
  return source === "commit" ? `commit ${commit.slice(0, 7)}` : `this working tree of ${commit.slice(0, 7)}`;
}

function listed(names: readonly string[]): string {
  const most = 5;
  const shown = names.length > most ? [...names.slice(0, most), `${names.length - most} more`] : names;
  if (shown.length < 2) return shown.join("");
  return `${shown.slice(0, -1).join(", ")} and ${shown.at(-1) ?? ""}`;
}
