/** What a gate says about a deployment: a reason always, and for who is not let through also what would change that. */
export type GateDecision =
  | { readonly gate: string; readonly answer: "pass"; readonly reason: string }
  | { readonly gate: string; readonly answer: "wait"; readonly reason: string; readonly until: Date | null }
  | { readonly gate: string; readonly answer: "block"; readonly reason: string; readonly remedy: string };
