import type { ShiplockError } from "../../errors.ts";
import type { CheckJob, JobOutcome, ReportSummary } from "../types.ts";
import type { Artifacts } from "./artifacts.ts";

/** What a run tells while it goes on; texts are masked. */
export type CheckEvent =
  | { readonly kind: "run-note"; readonly at: Date; readonly text: string }
  | { readonly kind: "check-started"; readonly at: Date; readonly job: string; readonly attempt: number }
  | {
      readonly kind: "check-line";
      readonly at: Date;
      readonly job: string;
      readonly stream: "stdout" | "stderr";
      readonly text: string;
      /** It was written by an earlier run, and is told again. */
      readonly replayed: boolean;
    }
  | { readonly kind: "check-note"; readonly at: Date; readonly job: string; readonly text: string }
  | { readonly kind: "check-ended"; readonly at: Date; readonly result: JobResult };

/** How a job ended. */
export type JobResult = {
  readonly job: CheckJob;
  readonly outcome: JobOutcome;
  /** Null for one that never ran. */
  readonly durationMs: number | null;
  /** Why it did not pass, as sentences; empty where it did. Masked. */
  readonly reasons: readonly string[];
  /** What stood in the way of running it, when it was not the command or a report. */
  readonly error: ShiplockError | null;
  readonly reports: ReportSummary | null;
  readonly artifacts: Artifacts | null;
  /** Folder in which its artifacts lie on this machine. */
  readonly keptIn: string | null;
};
