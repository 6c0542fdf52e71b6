import { passedBy } from "../emergency/policy.ts";
import { gates } from "./table.ts";
import type { Gate, GateDecision, GateFacts, Judgement } from "./types.ts";

/**
 * Asks every gate. One that blocks outweighs those that wait: what can never begin need not wait.
 * An emergency passes the gates that the environment lets it pass, and what they said is kept.
 */
export function judge(facts: GateFacts, asked: readonly Gate[] = gates): Judgement {
  const decisions = [...facts.given, ...asked.map((gate) => gate.judge(facts))];
  const passable = facts.request.options.emergency === null ? passedBy(undefined) : passedBy(facts.policy.emergency);
  const passed = decisions.filter(({ gate, answer }) => answer !== "pass" && passable.has(gate));
  const final = decisions.map((decision) => (passed.includes(decision) ? passedByEmergency(decision) : decision));
  return { at: facts.now.toISOString(), decisions: final, answer: worst(final), passedByEmergency: passed };
}

function passedByEmergency({ gate, reason }: GateDecision): GateDecision {
  return { gate, answer: "pass", reason: `passed as an emergency; it said: ${reason}` };
}

function worst(decisions: readonly GateDecision[]): Judgement["answer"] {
  if (decisions.some(({ answer }) => answer === "block")) return "block";
  return decisions.some(({ answer }) => answer === "wait") ? "wait" : "pass";
}

/** Those that keep a deployment from beginning, those that block first. */
export function obstacles({ decisions }: Judgement): readonly Exclude<GateDecision, { answer: "pass" }>[] {
  const against = decisions.flatMap((decision) => (decision.answer === "pass" ? [] : [decision]));
  return [...against.filter(({ answer }) => answer === "block"), ...against.filter(({ answer }) => answer === "wait")];
}
