import { answersOf, momentText } from "./answers.ts";
import { type Frozen, frozenAt } from "./freeze-windows.ts";
import type { Gate, GateDecision, GateFacts } from "./types.ts";
import { wallClockOf } from "./zone-time.ts";

const { pass, override, block } = answersOf("freeze");

/** Times in which nothing is deployed. Who has a reason says it; going back is always possible. */
export const freezeGate: Gate = { name: "freeze", judge };

function judge({ now, kind, policy, request, environment }: GateFacts): GateDecision {
  if (policy.freeze.length === 0) return pass("no freeze is set");
  const frozen = frozenAt(policy.freeze, now.getTime());
  if (frozen === null) return pass("no freeze now");
  const text = `nothing is deployed to ${environment} ${untilText(frozen)}${frozen.window.reason === "" ? "" : `: ${frozen.window.reason}`}`;
  if (kind === "rollback") return pass(`a rollback passes; ${text}`);
  const { overrideFreeze } = request.options;
  if (overrideFreeze !== null) return override(`overridden (${overrideFreeze}); ${text}`);
  return block(
    text,
    `deploy after that, or with --override-freeze --reason "…", which is recorded and announced; \`shiplock rollback ${environment}\` passes`,
  );
}

/** The end as the clock there shows it, and for everybody else. */
function untilText({ until, lastZone }: Frozen): string {
  if (until === null) return "until its freeze windows are changed, since they follow each other without a gap";
  const there = new Date(wallClockOf(lastZone).shown(until)).toISOString();
  const weekday = new Intl.DateTimeFormat("en", { timeZone: lastZone, weekday: "short" }).format(until);
  const local = `${weekday} ${there.slice(0, 10)} ${there.slice(11, 16)}`;
  return lastZone === "UTC" ? `until ${local} UTC` : `until ${local} ${lastZone} (${momentText(until)})`;
}
