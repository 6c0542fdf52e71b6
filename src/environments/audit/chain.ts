import { createHash } from "node:crypto";
import { canonical } from "../../checks/canonical.ts";
import type { AuditAct, AuditChain, AuditEntry, AuditHead, AuditStamp } from "./types.ts";

/** Entries in one file of the log. So many stand in the record, about, before they get a file. */
export const segmentLength = 32;

/** The log of an environment in which nobody did anything yet. Its hash holds the environment's names, so that one environment's log cannot pass for another's. */
export function emptyChain(project: string, environment: string): AuditChain {
  return { sequence: 0, hash: beginning(project, environment), recent: [] };
}

/** What the first entry of an environment's log names as the hash before it. */
export function beginning(project: string, environment: string): string {
  return sha256(canonical({ log: "shiplock audit", project, environment }));
}

/** The log with what somebody did at its end, in this order. */
export function withAudit(chain: AuditChain, acts: readonly AuditAct[], stamp: AuditStamp): AuditChain {
  return acts.reduce((known, act) => withEntry(known, act, stamp), chain);
}

function withEntry({ sequence, hash, recent }: AuditChain, act: AuditAct, { who, from, at }: AuditStamp): AuditChain {
  const { action, subject, details } = act;
  const { name, aliases, source } = who;
  const open = { sequence: sequence + 1, at, who: { name, aliases, source }, from, action, subject, details };
  const entry: AuditEntry = { ...open, previous: hash, hash: hashOf({ ...open, previous: hash }) };
  return { sequence: entry.sequence, hash: entry.hash, recent: [...recent, entry] };
}

/** The hash that an entry has to have. */
export function hashOf(entry: Omit<AuditEntry, "hash">): string {
  const { sequence, at, who, from, action, subject, details, previous } = entry;
  return sha256(canonical({ sequence, at, who, from, action, subject, details, previous }));
}

/** An entry as a line of a file, with the line's end. There is only one way to write it, so that any other byte is a change. */
export function lineOf({ sequence, at, who, from, action, subject, details, previous, hash }: AuditEntry): string {
  return `${canonical({ sequence, at, who, from, action, subject, details, previous, hash })}\n`;
}

/** A file's worth of entries that can leave the record, and the log without them; null while there are too few. */
export function fullSegment(chain: AuditChain): { index: number; text: string; rest: AuditChain } | null {
  const before = chain.sequence - chain.recent.length;
  if (chain.recent.length < segmentLength || before % segmentLength !== 0) return null;
  const lines = chain.recent.slice(0, segmentLength).map(lineOf);
  return {
    index: before / segmentLength,
    text: lines.join(""),
    rest: { ...chain, recent: chain.recent.slice(segmentLength) },
  };
}

/** Where a log stops being what it was, counted from 1, and what is wrong there. */
export type BrokenLog = { readonly line: number; readonly problem: string };

/**
 * Looks whether a log is whole: each line as it was written, each after the one before, none missing or too many up to the end that the environment record names.
 * @param start the hash before the first line: `beginning` of the environment
 * @returns the first line that is wrong; null for a whole log
 */
export function verifyChain(lines: readonly string[], head: AuditHead, start: string): BrokenLog | null {
  let previous = start;
  for (const [index, text] of lines.entries()) {
    const line = index + 1;
    const entry = parseLine(text);
    const problem =
      line > head.sequence
        ? `the environment record knows ${counted(head.sequence)}, and this one comes after them`
        : entry === null
          ? "it is no entry of an audit log"
          : problemOf(entry, line, previous);
    if (problem !== null) return { line, problem };
    if (entry !== null && lineOf(entry) !== text) return { line, problem: "it is written otherwise than it was" };
    previous = entry?.hash ?? previous;
  }
  if (lines.length < head.sequence)
    return {
      line: lines.length + 1,
      problem: `it is missing, with all that come after it: the environment record knows ${counted(head.sequence)}`,
    };
  if (previous !== head.hash)
    return {
      line: Math.max(1, lines.length),
      problem: "its hash is not the one that the environment record has of the last entry",
    };
  return null;
}

function problemOf(entry: AuditEntry, line: number, previous: string): string | null {
  if (entry.hash !== hashOf(entry)) return "it was changed: its hash does not fit what it says";
  if (entry.sequence !== line) return `entry ${entry.sequence} stands where entry ${line} should`;
  if (entry.previous !== previous) return "it does not follow the entry before it: one of the two was replaced";
  return null;
}

function counted(count: number): string {
  return count === 1 ? "1 entry" : `${count} entries`;
}

/** The lines of a file, each with its end: one that is empty, or whose end is missing, is seen to be none. */
export function linesOf(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

/** The entry of a line; null where the line is none. */
export function parseLine(text: string): AuditEntry | null {
  try {
    const read = JSON.parse(text) as Partial<AuditEntry> | null;
    const complete =
      typeof read === "object" &&
      typeof read?.sequence === "number" &&
      typeof read.at === "string" &&
      typeof read.action === "string" &&
      typeof read.previous === "string" &&
      typeof read.hash === "string" &&
      typeof read.from === "string" &&
      typeof read.who?.name === "string" &&
      typeof read.details === "object" &&
      read.details !== null;
    return complete ? (read as AuditEntry) : null;
  } catch {
    return null;
  }
}

/**
 * Whether a log still holds an end that it had once, as somebody remembers it.
 * @param remembered its hash, or at least its first 12 characters
 */
export function holdsHead(lines: readonly string[], remembered: string, start: string): boolean {
  const wanted = remembered.toLowerCase();
  if (wanted.length < shortestHead) return false;
  return start.startsWith(wanted) || lines.some((text) => parseLine(text)?.hash.startsWith(wanted) === true);
}

/** The first characters of a hash that are enough to name an end. */
export const shortestHead = 12;

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
