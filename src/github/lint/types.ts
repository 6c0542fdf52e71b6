import type { Project } from "../read/project.ts";
import type { Place } from "../read/types.ts";

/** `error`: it can take a site down, ship the wrong bytes or give a secret away; `warning`: it does so when things go wrong or somebody is in a hurry. */
export type Severity = "error" | "warning";

/** Where a rule found something, and what really happens there. */
export type Hit = {
  readonly file: string;
  readonly place: Place;
  readonly sentence: string;
  /** Where it is another than the rule's. */
  readonly severity?: Severity;
};

/**
 * One thing that goes wrong with deployments written by hand. A rule is pure: it is given everything that was read, and reports nothing that it cannot see
 * in these files.
 */
export type Rule = {
  /** Stable: comments and code scanning refer to it. */
  readonly id: string;
  readonly severity: Severity;
  /** A few words, as a heading. */
  readonly title: string;
  /** Why it matters, in one sentence. */
  readonly why: string;
  /** What to write instead, in one sentence. */
  readonly mend: string;
  readonly find: (project: Project) => readonly Hit[];
};

export type Finding = {
  readonly rule: string;
  readonly severity: Severity;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** What really happens there. */
  readonly message: string;
  readonly mend: string;
  /** The documentation of the rule. */
  readonly help: string;
  /** Why somebody switched it off; null for one that counts. */
  readonly ignored: string | null;
};
