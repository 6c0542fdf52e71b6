import type { Blame } from "../errors.ts";

/** Exit codes of DESIGN.md, "Commands". */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  gate: 3,
  person: 4,
  interrupted: 130,
  terminated: 143,
} as const;

/** The exit code for an error, by who has to act. */
export function exitCodeOf(blame: Blame): number {
  switch (blame) {
    case "usage":
      return exitCodes.usage;
    case "gate":
      return exitCodes.gate;
    case "person":
      return exitCodes.person;
    case "failed":
    case "bug":
      return exitCodes.failed;
  }
}
