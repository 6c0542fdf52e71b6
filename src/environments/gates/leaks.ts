import { selectFiles } from "../../checks/files.ts";
import type { LeakIgnore, LeakPolicy } from "../../config/types-leaks.ts";
import type { Leak } from "../../secrets/leaks/types.ts";
import type { GateDecision } from "./types.ts";

export type LeakFacts = {
  readonly policy: LeakPolicy;
  /** What was found in the files of the commit; nothing where nobody looked. */
  readonly leaks: readonly Leak[];
};

/** A find that is let through, and by which entry. */
export type LetThrough = { readonly leak: Leak; readonly by: LeakIgnore };

const gate = "leaks" as const;

/** Whether a commit may be built: nothing in it looks like a secret but what the configuration lets through, and for that it says why. */
export function judgeLeaks({ policy, leaks }: LeakFacts): {
  decision: GateDecision;
  blocking: readonly Leak[];
  letThrough: readonly LetThrough[];
} {
  if (policy === "off")
    return { decision: { gate, answer: "pass", reason: "leaks: off" }, blocking: [], letThrough: [] };
  const blocking: Leak[] = [];
  const letThrough: LetThrough[] = [];
  for (const leak of leaks) {
    const by = policy.ignore.find((entry) => covers(entry, leak));
    if (by === undefined) blocking.push(leak);
    else letThrough.push({ leak, by });
  }
  if (blocking.length > 0) return { decision: block(blocking), blocking, letThrough };
  const but =
    letThrough.length === 0
      ? ""
      : `, but for ${counted(letThrough.length)} that ${letThrough.length === 1 ? "is" : "are"} let through`;
  return { decision: { gate, answer: "pass", reason: `no secret is committed${but}` }, blocking, letThrough };
}

function covers({ file, rule }: LeakIgnore, leak: Leak): boolean {
  return rule === leak.rule && selectFiles([file], [leak.file]).length > 0;
}

function block(blocking: readonly Leak[]): GateDecision {
  const files = [...new Set(blocking.map(({ file }) => file))];
  const shown = files.length > 3 ? `${files.slice(0, 3).join(", ")} and ${files.length - 3} more` : files.join(", ");
  return {
    gate,
    answer: "block",
    reason: `${counted(blocking.length)} in ${shown} ${blocking.length === 1 ? "looks" : "look"} like a secret`,
    remedy:
      "take it out of the commit, and out of use where it is valid, since whoever has the repository has it too; what is none is let through by leaks.ignore, with its reason",
  };
}

function counted(count: number): string {
  return `${count} place${count === 1 ? "" : "s"}`;
}
