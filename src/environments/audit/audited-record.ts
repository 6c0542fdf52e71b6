import type { Clock } from "../../clock.ts";
import type { Identity } from "../identity.ts";
import { emptyState } from "../record/changes.ts";
import type { EnvironmentRecord, EnvironmentState } from "../record/types.ts";
import { actsBetween } from "./acts.ts";
import { emptyChain, fullSegment, lineOf, linesOf, segmentLength, withAudit } from "./chain.ts";
import type { AuditAct, AuditLog, AuditReading, AuditSegments } from "./types.ts";

/** Who acts through a session, and from where. */
export type Acting = {
  /** Asked when something is written. */
  readonly who: () => Promise<Identity>;
  /** A machine and process, a workflow run, a server. */
  readonly from: string;
  /** Takes the values of secrets out of what somebody wrote: reasons and comments. */
  readonly mask: (text: string) => string;
  /** What was done since this was asked last that is no change of the state: secrets that were read. */
  readonly remarks: () => readonly AuditAct[];
};

/**
 * The environment record of which every change is entered in its audit log, in the same write: there is no other way to write, so no change is without its entry, and of
 * two who write at once one wins and the log has no branches. Entries get a file once there are enough of them, beside a later write: what is in a file was in the record
 * before, so a crash at any point loses none and doubles none.
 */
export function auditedRecord(
  record: EnvironmentRecord,
  segments: AuditSegments,
  whose: { project: string; environment: string },
  acting: Acting,
  clock: Pick<Clock, "now">,
): { record: EnvironmentRecord; audit: AuditLog } {
  let remarks: readonly AuditAct[] = [];

  /** The state that a write replaces; null when somebody was faster. */
  async function replaced(expected: number): Promise<EnvironmentState | null> {
    const known = record.last() ?? (expected === 0 ? null : await record.read());
    if ((known?.revision ?? 0) !== expected) return null;
    return known?.state ?? emptyState(whose.project, whose.environment);
  }

  async function swap(expected: number, state: EnvironmentState, after?: Promise<unknown>): Promise<boolean> {
    const before = await replaced(expected);
    if (before === null) return false;
    remarks = [...remarks, ...acting.remarks()];
    const told = remarks;
    const acts = [...told, ...actsBetween(before, state)].map((each) => masked(each, acting.mask));
    const stamp = { who: await acting.who(), from: acting.from, at: clock.now().toISOString() };
    const full = fullSegment(before.audit);
    const audit = withAudit(full?.rest ?? before.audit, acts, stamp);
    // The entries stay readable: the record without them appears after their file.
    const written = full === null ? after : Promise.all([after, segments.write(full.index, full.text)]);
    // It is heard through the swap, which may fail before it listens.
    written?.catch(() => undefined);
    const won = await record.swap(expected, { ...state, audit }, ...(written === undefined ? [] : [written]));
    if (won) remarks = remarks.slice(told.length);
    return won;
  }

  async function read(newest = Number.POSITIVE_INFINITY): Promise<AuditReading> {
    const found = (await record.read())?.state.audit ?? emptyChain(whose.project, whose.environment);
    const { sequence, hash, recent } = found;
    const files = (sequence - recent.length) / segmentLength;
    const first = Math.max(0, Math.min(files, Math.floor((sequence - newest) / segmentLength)));
    const wanted = Array.from({ length: files - first }, (_, index) => first + index);
    const texts = await Promise.all(wanted.map((index) => segments.read(index)));
    const lines = texts.flatMap((text) => linesOf(text ?? ""));
    return { head: { sequence, hash }, first: first * segmentLength + 1, lines: [...lines, ...recent.map(lineOf)] };
  }

  return {
    record: { ...record, swap },
    audit: {
      remark: (act) => {
        remarks = [...remarks, act];
      },
      head: () => {
        const known = record.last()?.state.audit;
        return known === undefined ? null : { sequence: known.sequence, hash: known.hash };
      },
      read,
    },
  };
}

function masked({ action, subject, details }: AuditAct, mask: (text: string) => string): AuditAct {
  const hide = (value: AuditAct["details"][string]): AuditAct["details"][string] => {
    if (typeof value === "string") return mask(value);
    return typeof value === "object" && value !== null ? value.map((each) => mask(each)) : value;
  };
  return {
    action,
    subject,
    details: Object.fromEntries(Object.entries(details).map(([key, value]) => [key, hide(value)])),
  };
}
