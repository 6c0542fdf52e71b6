import { answersOf, momentText } from "./answers.ts";
import type { Gate, GateDecision, GateFacts } from "./types.ts";

const { pass, wait } = answersOf("wait");

/** Some time between the request and its beginning, in which it can be called off. Going back does not wait. */
export const waitGate: Gate = { name: "wait", judge };

function judge({ now, kind, policy, request, environment }: GateFacts): GateDecision {
  if (policy.waitMs === 0) return pass("no time has to pass");
  if (kind === "rollback") return pass("a rollback does not wait");
  const until = new Date(Date.parse(request.createdAt) + policy.waitMs);
  if (until <= now) return pass(`the time to call it off was over ${momentText(until)}`);
  return wait(
    `begins ${momentText(until)} at the earliest; \`shiplock cancel ${environment}\` calls it off`,
    "the time",
    until,
  );
}
