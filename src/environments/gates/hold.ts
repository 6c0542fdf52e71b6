import { samePerson } from "../identity.ts";
import { answersOf, momentText } from "./answers.ts";
import type { Gate, GateDecision, GateFacts } from "./types.ts";

const { pass, override, block, skip } = answersOf("hold");

/** Somebody keeps the environment as it is. Nothing comes by itself then; others have to say that they take over. Going back is always possible. */
export const holdGate: Gate = { name: "hold", judge };

function judge({ now, kind, request, state, environment }: GateFacts): GateDecision {
  const { hold } = state;
  if (hold === null) return pass("nobody holds it");
  const until = hold.until === null ? "until it is lifted" : `until ${momentText(hold.until)}`;
  if (hold.until !== null && Date.parse(hold.until) <= now.getTime())
    return pass(`the hold of ${hold.by.name} was over ${momentText(hold.until)}`);
  const held = `held by ${hold.by.name} since ${momentText(hold.since)}, ${until}: ${hold.reason}`;
  if (kind === "rollback") return pass(`a rollback passes; ${held}`);
  if (request.trigger === "automatic")
    return skip(held, `deploy when ${hold.by.name} has lifted it with \`shiplock unhold ${environment}\``);
  if (request.requesters.some((who) => samePerson(who, hold.by))) return pass(`it is ${hold.by.name}'s own hold`);
  if (request.options.takeOver) return override(`takes over; ${held}`);
  return block(held, `ask ${hold.by.name}, wait for it, or add --take-over, which is recorded`);
}
