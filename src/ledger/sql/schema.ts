import type { Generated } from "kysely";

/**
 * The tables as the newest migration leaves them, one type per table, column by column. Columns called `payload` and `evidence` hold
 * JSON text; times are milliseconds since the epoch. Only types and SQL that SQLite and PostgreSQL share.
 */
export type LedgerTables = {
  schema_migrations: { version: number; name: string; applied_at: number };
  releases: { project: string; id: string; commit_hash: string; created_at: number; payload: string };
  check_runs: CheckRunRow;
  versions: {
    project: string;
    name: string;
    at: number;
    release_id: string;
    commit_hash: string;
    environment: string;
    who: string;
    payload: string;
  };
  release_attachments: AttachmentRow;
  notice_deliveries: {
    id: string;
    project: string;
    environment: string | null;
    deployment: string | null;
    event: string;
    notifier: string;
    at: number;
    duration_ms: number;
    status: string;
    tries: number;
    detail: string;
    payload: string;
  };
  deployments: DeploymentRow & { log_bytes: Generated<number> };
  gate_answers: { deployment: string; at: number; gate: string; answer: string; reason: string; payload: string };
  steps: StepRow;
  events: { deployment: string; sequence: number; at: number; kind: string; payload: string };
  log_chunks: { deployment: string; sequence: number; at: number; source: string; text: string };
};

/** `payload` is the list of jobs. */
export type CheckRunRow = {
  id: string;
  project: string;
  commit_hash: string;
  source: string;
  definitions: string;
  who: string;
  origin: string;
  started_at: number;
  ended_at: number;
  result: string;
  payload: string;
};

export type AttachmentRow = {
  project: string;
  release_id: string;
  kind: string;
  image: string;
  subject: string;
  media_type: string;
  digest: string;
  at: number;
  size: number;
  /** Compressed (gzip), in base64: the one form that both databases take as text. */
  content: string;
};

export type DeploymentRow = {
  id: string;
  project: string;
  environment: string;
  kind: string;
  release_id: string;
  from_release: string | null;
  state: string;
  who: string;
  why: string | null;
  origin: string;
  commit_hash: string;
  ref: string | null;
  created_at: number;
  started_at: number | null;
  ended_at: number | null;
  outcome: string | null;
};

export type StepRow = {
  deployment: string;
  step: string;
  /** Empty for no host, since a primary key holds no null. */
  host: string;
  /** Counts from 1 in the order of first recording. */
  position: number;
  state: string;
  started_at: number | null;
  ended_at: number | null;
  evidence: string;
};
