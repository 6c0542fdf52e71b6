import type { ToldError } from "../cli/output.ts";

/** What a gate answered, as the summary tells it. */
export type StoryGate = { readonly gate: string; readonly answer: string; readonly reason: string };

/** A step of a deployment. `undone`: it was taken back. */
export type StoryStep = {
  readonly id: string;
  readonly host: string | null;
  readonly title: string;
  readonly state: "began" | "done" | "failed" | "undone" | "stuck";
  /** It found that there was something to do. */
  readonly acted: boolean;
  readonly said: string;
  /** Milliseconds since the epoch. */
  readonly beganAt: number;
  readonly endedAt: number | null;
};

export type StoryFinding = {
  readonly severity: "error" | "warning";
  readonly file: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly message: string;
};

export type StoryCheck = {
  readonly job: string;
  readonly outcome: string;
  readonly required: boolean;
  readonly durationMs: number | null;
  readonly reasons: readonly string[];
  readonly tests: {
    readonly tests: number;
    readonly failed: number;
    readonly failures: readonly {
      name: string;
      message: string;
      file?: string | undefined;
      line?: number | undefined;
    }[];
  } | null;
  readonly coverage: number | null;
  readonly findings: readonly StoryFinding[];
};

/** What a run of the Action was about and how it went, as far as it is known by now. Everything in it is masked. */
export type Story = {
  readonly kind: string | null;
  readonly project: string | null;
  readonly environment: string | null;
  readonly deployment: string | null;
  readonly release: string | null;
  readonly from: string | null;
  readonly commit: string | null;
  readonly subject: string | null;
  readonly ref: string | null;
  readonly who: string | null;
  readonly reason: string | null;
  readonly url: string | null;
  readonly state: string | null;
  readonly outcome: string | null;
  readonly strategy: string | null;
  readonly hosts: readonly string[];
  readonly gates: readonly StoryGate[];
  /** Gates that let it pass as an emergency alone. */
  readonly emergency: readonly StoryGate[];
  readonly steps: readonly StoryStep[];
  readonly checks: readonly StoryCheck[];
  readonly errors: readonly ToldError[];
  /** What `--json` would print; undefined as long as there is none. */
  readonly document: unknown;
};

export const untold: Story = {
  kind: null,
  project: null,
  environment: null,
  deployment: null,
  release: null,
  from: null,
  commit: null,
  subject: null,
  ref: null,
  who: null,
  reason: null,
  url: null,
  state: null,
  outcome: null,
  strategy: null,
  hosts: [],
  gates: [],
  emergency: [],
  steps: [],
  checks: [],
  errors: [],
  document: undefined,
};
