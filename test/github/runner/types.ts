import type { Json, JsonObject } from "../../../src/json.ts";
import type { GitHubEvent } from "./events.ts";
import type { Annotation } from "./job-log.ts";
import type { TokenPermissions } from "./permissions.ts";
import type { Workflow } from "./workflow-file.ts";

/** Secrets and variables, of a repository or of one of its environments. */
export type Settings = {
  readonly secrets?: Readonly<Record<string, string>>;
  readonly variables?: Readonly<Record<string, string>>;
};

export type RunnerOptions = {
  readonly repository: {
    readonly owner: string;
    readonly name: string;
    /** The bare repository that jobs check out of. */
    readonly folder: string;
    readonly defaultBranch: string;
  };
  /** Address of the API, as a workflow's run has it in `GITHUB_API_URL`. */
  readonly api: string;
  /** A token for one job. */
  readonly token: (permissions: TokenPermissions) => string;
  /** The action that is tested: what `uses` says, and the folder with its `action.yml`. */
  readonly action?: { readonly uses: string; readonly folder: string };
  readonly settings?: Settings;
  /** By the environment's name. */
  readonly environments?: Readonly<Record<string, Settings>>;
  /** Asked before a job of an environment begins; false: somebody rejected it. */
  readonly approved?: (environment: string, run: RunIdentity, signal: AbortSignal) => Promise<boolean>;
  /** Hears of every run that began and ended, before anything of it runs and before anybody is told of its end. */
  readonly observe?: {
    readonly began: (run: RunIdentity & { readonly name: string }) => Promise<void>;
    readonly ended: (run: RunIdentity, conclusion: JobResult) => Promise<void>;
  };
  /** Environment of the machine that jobs run on, such as `PATH`. */
  readonly machine: Readonly<Record<string, string>>;
  /** After which a job is ended and the run fails, whatever its `timeout-minutes` allows. */
  readonly limitMs?: number;
};

/** What tells one run from others. */
export type RunIdentity = {
  readonly id: number;
  readonly number: number;
  readonly attempt: number;
  readonly event: GitHubEvent;
  readonly workflow: Workflow;
  /** Who began this attempt: the event's actor, or whoever ran it again. */
  readonly triggeringActor: string;
};

export type JobResult = "success" | "failure" | "cancelled" | "skipped";

/** What `needs` says of a job. */
export type Need = { readonly result: JobResult; readonly outputs: Readonly<Record<string, string>> };

export type StepEnd = {
  readonly id: string;
  readonly name: string;
  /** Before `continue-on-error`; `conclusion` is after it. */
  readonly outcome: JobResult;
  readonly conclusion: JobResult;
  readonly outputs: Readonly<Record<string, string>>;
};

/** One job of a run while it runs, and afterwards. */
export type JobRun = {
  readonly id: string;
  /** As GitHub shows it: `test (17)`. */
  readonly name: string;
  /** Null until it ended. */
  result: JobResult | null;
  outputs: Readonly<Record<string, string>>;
  readonly steps: StepEnd[];
  readonly annotations: readonly Annotation[];
  readonly permissions: TokenPermissions;
  /** What a person reads in the log. */
  log(): string;
  /** What was printed, before GitHub's masks. */
  rawLog(): string;
  /** Summaries of all steps, one after the other. */
  summary(): string;
  /** Command lines of what was still running when the job was over, and had to be ended. */
  readonly leftRunning: readonly string[];
  /** The process of the step that runs now. */
  process(): number | null;
  /** The machine is gone: everything on it ends at once, and no later step and no post step runs. */
  lose(): void;
};

export type RunEnd = { readonly conclusion: JobResult; readonly jobs: readonly JobRun[] };

export type WorkflowRun = RunIdentity & {
  /** As `run-name` says. */
  readonly name: string;
  readonly jobs: readonly JobRun[];
  cancel(): void;
  /** The first job of that key or name, as soon as it runs and its log (with GitHub's masks) says this. Fails if it ended without. */
  logged(job: string, says: RegExp): Promise<JobRun>;
  readonly ended: Promise<RunEnd>;
};

/** What an action from elsewhere is given. */
export type ForeignCall = {
  readonly inputs: Readonly<Record<string, string>>;
  readonly workspace: string;
  /** What `~` stands for in paths. */
  readonly home: string;
  readonly run: RunIdentity;
  readonly job: { readonly name: string; readonly token: string; readonly permissions: TokenPermissions };
  readonly repository: RunnerOptions["repository"];
  readonly print: (line: string) => void;
};

/** What it did; `post` runs at the job's end. */
export type ForeignResult = {
  readonly outputs?: Readonly<Record<string, string>>;
  readonly post?: (succeeded: boolean) => Promise<void>;
};

export type ForeignAction = (call: ForeignCall) => Promise<ForeignResult>;

export type { Json, JsonObject };
