import { join, resolve } from "node:path";
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

/** A path as a workflow writes it: from the workspace, from the home with `~`, or absolute. */
export function placeOf({ workspace, home }: Pick<ForeignCall, "workspace" | "home">, path: string): string {
  return path === "~" || path.startsWith("~/") ? join(home, path.slice(1)) : resolve(workspace, path);
}

export function linesOf(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
