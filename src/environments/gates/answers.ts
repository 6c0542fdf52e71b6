import type { GateName } from "../../config/types-gates.ts";
import type { GateDecision } from "./types.ts";

/** The answers of one gate. */
export function answersOf(gate: GateName) {
  return {
    pass: (reason: string): GateDecision => ({ gate, answer: "pass", reason }),
    /** Passes only because somebody said so. */
    override: (reason: string): GateDecision => ({ gate, answer: "pass", reason, overridden: true }),
    /** @param on who or what it waits for */
    wait: (reason: string, on: string, until: Date | null): GateDecision => ({
      gate,
      answer: "wait",
      reason,
      until,
      on,
    }),
    block: (reason: string, remedy: string): GateDecision => ({ gate, answer: "block", reason, remedy }),
    /** Blocks; an automatic deployment ends as skipped, which is no failure. */
    skip: (reason: string, remedy: string): GateDecision => ({ gate, answer: "block", reason, remedy, skips: true }),
  } as const;
}

/** A moment as reasons have it: `2026-11-21 19:05 UTC`, with seconds where it has some. Never "in five minutes": of the same facts a reason stays the same. */
export function momentText(moment: Date | string | number): string {
  const text = new Date(moment).toISOString();
  const seconds = text.slice(17, 19);
  return `${text.slice(0, 10)} ${text.slice(11, 16)}${seconds === "00" ? "" : `:${seconds}`} UTC`;
}

/** Names in a sentence: "a", "a and b", "a, b and 3 more". */
export function listed(names: readonly string[], most = 5): string {
  const shown = names.length > most ? [...names.slice(0, most), `${names.length - most} more`] : names;
  if (shown.length < 2) return shown.join("");
  return `${shown.slice(0, -1).join(", ")} and ${shown.at(-1) ?? ""}`;
}
