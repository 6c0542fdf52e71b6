import { quote } from "../config/display.ts";
import { interpolate } from "../config/interpolate.ts";
import { nearest } from "../config/nearest.ts";
import type { Check } from "../config/types.ts";
import { ShiplockError } from "../errors.ts";
import type { CheckJob, JobOutcome } from "./types.ts";

export type Checks = Readonly<Record<string, Check>>;

/**
 * Every run that the checks ask for, in the order of the file; a matrix in the order of its values, the first variable slowest.
 * @throws ShiplockError `check/unknown` for a need that is no check
 */
export function expandChecks(checks: Checks): readonly CheckJob[] {
  const matrices = new Map(Object.entries(checks).map(([name, check]) => [name, combinations(check.matrix)]));
  return Object.values(checks).flatMap((check) => {
    const needs = check.needs.flatMap((need) => {
      checkNamed(checks, need);
      return (matrices.get(need) ?? []).map((matrix) => jobId(need, matrix));
    });
    return (matrices.get(check.name) ?? []).map((matrix) => ({
      id: jobId(check.name, matrix),
      check: filledIn(check, matrix),
      matrix,
      needs,
    }));
  });
}

/**
 * The named jobs and everything they need, in the order of the file; all of them where none is named.
 * @param names of checks, each with its whole matrix, or of single jobs: `test (DB=17)`
 * @param handed ids of jobs whose results are there already: they are left out, with what they alone need, unless they are named
 * @throws ShiplockError `check/unknown` with the nearest name
 */
export function selectJobs(
  checks: Checks,
  names: readonly string[],
  handed: ReadonlySet<string> = new Set(),
): readonly CheckJob[] {
  const all = expandChecks(checks);
  if (names.length === 0) return all;
  const byId = new Map(all.map((job) => [job.id, job]));
  const wanted = new Set<string>();
  const want = (job: CheckJob): void => {
    if (wanted.has(job.id)) return;
    wanted.add(job.id);
    for (const id of job.needs) {
      const need = byId.get(id);
      if (need !== undefined && !handed.has(id)) want(need);
    }
  };
  for (const job of namedJobs(checks, all, names)) want(job);
  return all.filter((job) => wanted.has(job.id));
}

/**
 * The jobs that are meant by names, without what they need.
 * @throws ShiplockError `check/unknown` with the nearest name
 */
export function namedJobs(checks: Checks, all: readonly CheckJob[], names: readonly string[]): readonly CheckJob[] {
  return names.flatMap((name) => {
    const single = all.find((job) => job.id === name);
    if (single !== undefined) return [single];
    const check = checkNamed(checks, name);
    return all.filter((job) => job.check.name === check.name);
  });
}

/**
 * What can be done next: the jobs to start now, and those that will never start because something they need did not pass. What depends on nothing that
 * failed goes on. A need that is not `required` stops what needs it like any other: its artifacts are not there.
 * @param outcomes of the jobs that ended, by id
 * @param running ids of the jobs that were started and have not ended
 * @param limit how many may run at once
 */
export function nextJobs(
  jobs: readonly CheckJob[],
  outcomes: ReadonlyMap<string, JobOutcome>,
  running: ReadonlySet<string>,
  limit: number,
): { start: CheckJob[]; skip: CheckJob[] } {
  const waiting = jobs.filter((job) => !outcomes.has(job.id) && !running.has(job.id));
  const skip = hopeless(waiting, outcomes);
  const ready = waiting.filter((job) => job.needs.every((need) => passed(outcomes.get(need))));
  return { start: ready.slice(0, Math.max(0, limit - running.size)), skip };
}

/** Whether a job's outcome lets start what needs it. */
export function passed(outcome: JobOutcome | undefined): boolean {
  return outcome === "passed" || outcome === "cached";
}

/** The needs of a job that did not pass, for telling why it was skipped. */
export function unmetNeeds(job: CheckJob, outcomes: ReadonlyMap<string, JobOutcome>): readonly string[] {
  return job.needs.filter((need) => outcomes.has(need) && !passed(outcomes.get(need)));
}

/** Jobs behind a need that did not pass, also when others lie between; in the order of `waiting`. */
function hopeless(waiting: readonly CheckJob[], outcomes: ReadonlyMap<string, JobOutcome>): CheckJob[] {
  const lost = new Set([...outcomes].flatMap(([id, outcome]) => (passed(outcome) ? [] : [id])));
  const skipped = new Set<CheckJob>();
  for (let before = -1; before !== skipped.size; ) {
    before = skipped.size;
    for (const job of waiting) {
      if (!job.needs.some((need) => lost.has(need))) continue;
      lost.add(job.id);
      skipped.add(job);
    }
  }
  return waiting.filter((job) => skipped.has(job));
}

function checkNamed(checks: Checks, name: string): Check {
  const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
  if (check !== undefined) return check;
  const names = Object.keys(checks);
  const meant = nearest(name, names);
  throw new ShiplockError({
    code: "check/unknown",
    blame: "usage",
    message: `there is no check ${quote(name)}`,
    remedy:
      names.length === 0
        ? 'write it below "checks" in the configuration'
        : meant === undefined
          ? `the checks are ${names.join(", ")}`
          : `did you mean ${quote(meant)}?`,
  });
}

function combinations(matrix: Check["matrix"]): readonly Readonly<Record<string, string>>[] {
  return Object.entries(matrix).reduce<readonly Readonly<Record<string, string>>[]>(
    (all, [variable, values]) => all.flatMap((before) => values.map((value) => ({ ...before, [variable]: value }))),
    [{}],
  );
}

function jobId(name: string, matrix: Readonly<Record<string, string>>): string {
  const values = Object.entries(matrix).map(([variable, value]) => `${variable}=${value}`);
  return values.length === 0 ? name : `${name} (${values.join(", ")})`;
}

function filledIn(check: Check, matrix: Readonly<Record<string, string>>): Check {
  const fill = (text: string): string => interpolate(text, matrix, `check ${check.name}`);
  const fillAll = (env: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(env).map(([name, text]) => [name, fill(text)]));
  return {
    ...check,
    place: check.place.kind === "container" ? { kind: "container", image: fill(check.place.image) } : check.place,
    env: { ...fillAll(check.env), ...matrix },
    services: check.services.map((service) => ({
      ...service,
      image: fill(service.image),
      env: fillAll(service.env),
    })),
  };
}
