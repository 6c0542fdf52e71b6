import { obstacles } from "../environments/gates/judge.ts";
import type { Judgement } from "../environments/gates/types.ts";
import type { Trigger } from "../environments/queue/types.ts";
import { ShiplockError } from "../errors.ts";

/** How a request ends that a gate blocks. `error` is null for what is no failure. */
export type Refusal = { end: "skipped" | "blocked"; outcome: string; error: ShiplockError | null };

/** What comes by itself ends as skipped where every gate that blocks says that this is no failure. */
export function refusalOf(trigger: Trigger, judgement: Judgement): Refusal {
  const against = obstacles(judgement).flatMap((decision) => (decision.answer === "block" ? [decision] : []));
  const outcome = against.map(({ reason }) => reason).join("; ");
  if (trigger === "automatic" && against.every(({ skips }) => skips === true))
    return { end: "skipped", outcome, error: null };
  const [first, ...others] = against;
  const error = new ShiplockError({
    code: `gate/${first?.gate ?? "unknown"}`,
    blame: "gate",
    message: first?.reason ?? "a gate blocks",
    ...(first === undefined ? {} : { remedy: first.remedy }),
    details: others.map(({ gate, reason, remedy }) => `${gate}: ${reason}; ${remedy}`),
  });
  return { end: "blocked", outcome, error };
}
