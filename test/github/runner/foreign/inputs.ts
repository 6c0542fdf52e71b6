import type { ForeignCall } from "../types.ts";

/** The inputs of an action from elsewhere; what this runner would pass over is refused. */
export function inputsOf<Name extends string>(
  action: string,
  { inputs }: Pick<ForeignCall, "inputs">,
  known: readonly Name[],
): (name: Name) => string {
  const unknown = Object.keys(inputs).filter((name) => !(known as readonly string[]).includes(name));
  if (unknown.length > 0) throw new Error(`the runner for tests does not know ${unknown.join(", ")} of ${action}`);
  return (name) => inputs[name] ?? "";
}

export function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
