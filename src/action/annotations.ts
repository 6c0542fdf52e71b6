import { relative, resolve } from "node:path/posix";
import type { ToldError } from "../cli/output.ts";
import type { SourceLocation } from "../errors.ts";
import type { CommandProperties } from "./runner-text.ts";
import type { Story, StoryCheck } from "./story.ts";

export type AnnotationLevel = "error" | "warning" | "notice";

/** A sentence that GitHub shows on the run's page, and beside the line of the file where there is one. */
export type Annotation = {
  readonly level: AnnotationLevel;
  readonly title: string;
  readonly message: string;
  readonly at: SourceLocation | null;
};

/** Where files lie: annotations name them from the repository's root. */
export type Places = {
  /** Absolute path of the repository. */
  readonly root: string;
  /** Absolute path that the command's own paths are relative to. */
  readonly project: string;
};

/** GitHub shows no more of one level for a step. */
const shownOfLevel = 10;

const failed: ReadonlySet<string> = new Set(["failed", "timed-out"]);

/** What is wrong, at its file and line where that is known: one for each problem of a configuration, and for each error else. */
export function errorAnnotations(error: ToldError, places: Places): Annotation[] {
  const title = `shiplock: ${error.code}`;
  const remedy = error.remedy === undefined ? [] : [`what to do: ${error.remedy}`];
  const details = error.details.map((detail) => ({ detail, found: /^(.+?):(\d+):(\d+): (.+)$/s.exec(detail) }));
  const located = details.flatMap(({ found }): Annotation[] => {
    if (found === null) return [];
    const [, file = "", line, column, message = ""] = found;
    const at = placeOf({ file, line: Number(line), column: Number(column) }, places);
    return at === null ? [] : [{ level: "error", title, message, at }];
  });
  if (located.length > 0 && located.length === details.length)
    return located.map((one, index) =>
      index === located.length - 1 ? { ...one, message: [one.message, ...remedy].join("\n") } : one,
    );
  const at = typeof error.where === "object" ? placeOf(error.where, places) : null;
  const where = at === null && error.where !== undefined ? `${whereText(error.where)}: ` : "";
  const message = [`${where}${error.message}`, ...error.details.map((detail) => `  ${detail}`), ...remedy].join("\n");
  return [{ level: "error", title, message, at }];
}

function whereText(where: SourceLocation | string): string {
  if (typeof where === "string") return where;
  return [where.file, where.line, where.column].filter((part) => part !== undefined).join(":");
}

/** What failed in checks: tests and findings at their lines, and a sentence for each check. One that is not required warns. */
export function checkAnnotations(checks: readonly StoryCheck[], places: Places): Annotation[] {
  return checks.flatMap((check): Annotation[] => {
    const broke = failed.has(check.outcome);
    const level = broke && check.required ? "error" : "warning";
    const failures = check.tests?.failures ?? [];
    const tests = failures.flatMap(({ name, message, file, line }): Annotation[] => {
      const at = file === undefined ? null : placeOf({ file, ...(line === undefined ? {} : { line }) }, places);
      return at === null
        ? []
        : [{ level, title: `${check.job}: ${name}`, message: message === "" ? "failed" : message, at }];
    });
    const findings = check.findings.flatMap(({ severity, file, line, column, message }): Annotation[] => {
      const at = placeOf(
        { file, ...(line === undefined ? {} : { line }), ...(column === undefined ? {} : { column }) },
        places,
      );
      return at === null ? [] : [{ level: severity === "error" ? level : "warning", title: check.job, message, at }];
    });
    if (!broke) return findings;
    const reasons = check.reasons.length === 0 ? [check.outcome] : check.reasons;
    const unplaced = failures
      .slice(0, 5)
      .map(({ name, message }) => `  ${name}${message === "" ? "" : `: ${message}`}`);
    const message = [...reasons, ...(tests.length === 0 ? unplaced : [])].join("\n");
    return [{ level, title: `check ${check.job} ${check.outcome}`, message, at: null }, ...tests, ...findings];
  });
}

/** That an automatic deployment was skipped is no failure, and yet has to be seen; and so is what a request waits for. */
export function outcomeNotices({ state, outcome, environment, deployment, gates }: Story): Annotation[] {
  if (state !== "skipped" && state !== "superseded" && state !== "waiting") return [];
  const title = `shiplock: ${state}${environment === null ? "" : ` in ${environment}`}`;
  const waits = gates.filter(({ answer }) => answer === "wait").map(({ gate, reason }) => `${gate}: ${reason}`);
  const message = [outcome ?? `deployment ${deployment ?? ""} is ${state}`, ...(state === "waiting" ? waits : [])].join(
    "\n",
  );
  return [{ level: "notice", title, message, at: null }];
}

/** A command that fails without an error has said why in its log: `drift`, `doctor`, `status`, checks that were interrupted. */
export function failureAnnotation(story: Story, command: string, exitCode: number): Annotation[] {
  if (exitCode === 0 || story.errors.length > 0 || story.state === "waiting") return [];
  if (story.checks.some(({ outcome, required }) => required && failed.has(outcome))) return [];
  const cut = exitCode === 130 || exitCode === 143;
  const why = cut ? "was interrupted" : `ended with exit code ${exitCode}; the step's log says why`;
  const message = story.outcome ?? `${command} ${why}`;
  return [{ level: "error", title: `shiplock ${command}`, message, at: null }];
}

/** As many as GitHub shows, the last of a level saying how many more there are. */
export function shownAnnotations(all: readonly Annotation[]): Annotation[] {
  const levels: readonly AnnotationLevel[] = ["error", "warning", "notice"];
  return levels.flatMap((level) => {
    const some = all.filter((one) => one.level === level);
    if (some.length <= shownOfLevel) return some;
    const shown = some.slice(0, shownOfLevel - 1);
    const message = `and ${some.length - shown.length} more of them: see the step's log`;
    return [...shown, { level, title: "shiplock", message, at: null }];
  });
}

/** The properties of the workflow command that makes an annotation. */
export function annotationProperties({ title, at }: Annotation): CommandProperties {
  if (at === null) return { title };
  return { title, file: at.file, line: at.line, col: at.line === undefined ? undefined : at.column };
}

/** Null for what lies outside the repository, such as a clean checkout elsewhere. */
function placeOf({ file, ...rest }: SourceLocation, { root, project }: Places): SourceLocation | null {
  const inside = relative(root, resolve(project, file));
  return inside === "" || inside.startsWith("..") ? null : { file: inside, ...rest };
}
