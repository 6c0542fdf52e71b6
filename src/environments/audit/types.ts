import type { Identity } from "../identity.ts";

/** What somebody did, in one word. `changed` is what has no word of its own: a part of the environment record is otherwise than before. */
export type AuditAction =
  | "requested"
  | "request-changed"
  | "approved"
  | "rejected"
  | "approval-withdrawn"
  | "not-begun"
  | "began"
  | "went-live"
  | "ended"
  | "resumed"
  | "aborted"
  | "lease-taken-over"
  | "held"
  | "unheld"
  | "emergency"
  | "freeze-overridden"
  | "hold-taken-over"
  | "reviewed"
  | "forgotten"
  | "secrets-read"
  | "secrets-changed"
  | "changed";

export type AuditDetails = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** An act as it is told to the log: on what (a deployment, mostly), and what is worth knowing of it. Masked; never a secret's value. */
export type AuditAct = {
  readonly action: AuditAction;
  readonly subject: string | null;
  readonly details: AuditDetails;
};

/** Who acts, when (ISO 8601) and from where. */
export type AuditStamp = { readonly who: Identity; readonly from: string; readonly at: string };

/** A line of the log. Lines count from 1; each holds the hash of the one before, so that none can be changed, taken out or put in unseen. */
export type AuditEntry = AuditAct &
  AuditStamp & {
    readonly sequence: number;
    /** Hash of the entry before; of the first one, of the environment's names. */
    readonly previous: string;
    /** SHA-256, in hexadecimal, over the canonical JSON of all the rest. */
    readonly hash: string;
  };

/** The end of the log: how many entries it has, and the hash of the last. */
export type AuditHead = { readonly sequence: number; readonly hash: string };

/** The log as the environment record has it: its end, and those of the newest entries that lie in no file yet. */
export type AuditChain = AuditHead & { readonly recent: readonly AuditEntry[] };

/**
 * The files of the log beside the environment record. The file with index 0 holds the first `segmentLength` entries, a line for each, and so on. An entry comes into a file
 * only when it stands in the record already, so whoever writes a file writes the same: `write` may be repeated, and by several at once.
 */
export type AuditSegments = {
  /** Null where there is no such file. */
  read(index: number): Promise<string | null>;
  /** Returns when it is synced; whoever reads sees all of it or nothing. */
  write(index: number, text: string): Promise<void>;
};

/** What was read of a log: its end by the record, and its lines, each with its end, from the entry `first` on. */
export type AuditReading = {
  readonly head: AuditHead;
  readonly first: number;
  readonly lines: readonly string[];
};

/** The audit log of an environment. Changes of the record's state are entered by themselves, in the same write. */
export type AuditLog = {
  /** Says what is no change of the state (a secret was read); it is entered with the next change that is written through the same session. */
  remark(act: AuditAct): void;
  /** The end of the log as read or written last through this session; null before. */
  head(): AuditHead | null;
  /**
   * Needs no lease.
   * @param newest how many of the newest entries are wanted at least; all of them if left out
   */
  read(newest?: number): Promise<AuditReading>;
};
