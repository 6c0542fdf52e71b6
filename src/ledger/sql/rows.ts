import type { Selectable } from "kysely";
import { decodeJson, encodeJson, sameJson } from "../json.ts";
import type { DeploymentEntry, DeploymentKind, GateAnswer, LedgerEvent, ReleaseEntry, StepEntry } from "../types.ts";
import type { DeploymentRow, LedgerTables, StepRow } from "./schema.ts";

type Row<Table extends keyof LedgerTables> = Selectable<LedgerTables[Table]>;

/** Whether two rows say the same; their payloads are compared as JSON. */
export function sameRow<Stored extends { payload: string }>(stored: Stored, told: Stored): boolean {
  const keys = Object.keys(told) as (keyof Stored)[];
  return keys.every((key) => key === "payload" || stored[key] === told[key]) && sameJson(stored.payload, told.payload);
}

export function releaseRow(entry: ReleaseEntry): Row<"releases"> {
  const { project, id, commit, createdAt, payload } = entry;
  return { project, id, commit_hash: commit, created_at: createdAt, payload: encodeJson(payload, "release") };
}

export function releaseEntry(row: Row<"releases">): ReleaseEntry {
  const { id, project } = row;
  return { id, project, commit: row.commit_hash, createdAt: row.created_at, payload: decodeJson(row.payload) };
}

export function deploymentRow(entry: DeploymentEntry): DeploymentRow {
  const { release, fromRelease, commit, createdAt, startedAt, endedAt, ...same } = entry;
  return {
    ...same,
    release_id: release,
    from_release: fromRelease,
    commit_hash: commit,
    created_at: createdAt,
    started_at: startedAt,
    ended_at: endedAt,
  };
}

export function deploymentEntry(row: DeploymentRow): DeploymentEntry {
  return {
    id: row.id,
    project: row.project,
    environment: row.environment,
    kind: row.kind as DeploymentKind,
    release: row.release_id,
    fromRelease: row.from_release,
    state: row.state,
    who: row.who,
    why: row.why,
    origin: row.origin,
    commit: row.commit_hash,
    ref: row.ref,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    outcome: row.outcome,
  };
}

export function gateRow(deployment: string, told: GateAnswer): Row<"gate_answers"> {
  const { at, gate, answer, reason, payload } = told;
  return { deployment, at, gate, answer, reason, payload: encodeJson(payload, "gate answer") };
}

export function gateAnswer(row: Row<"gate_answers">): GateAnswer {
  const { at, gate, answer, reason, payload } = row;
  return { at, gate, answer: answer as GateAnswer["answer"], reason, payload: decodeJson(payload) };
}

export function stepRow(deployment: string, told: StepEntry): Omit<StepRow, "position"> {
  return {
    deployment,
    step: told.step,
    host: told.host ?? "",
    state: told.state,
    started_at: told.startedAt,
    ended_at: told.endedAt,
    evidence: encodeJson(told.evidence, "step's evidence"),
  };
}

export function stepEntry(row: StepRow): StepEntry {
  return {
    step: row.step,
    host: row.host === "" ? null : row.host,
    state: row.state,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    evidence: decodeJson(row.evidence),
  };
}

export function eventRow(deployment: string, told: LedgerEvent): Row<"events"> {
  const { sequence, at, kind, payload } = told;
  return { deployment, sequence, at, kind, payload: encodeJson(payload, "event") };
}

export function eventEntry(row: Row<"events">): LedgerEvent {
  const { sequence, at, kind, payload } = row;
  return { sequence, at, kind, payload: decodeJson(payload) };
}
