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

/** What the exit codes mean, for the help. */
export const exitCodesText = `Exit codes:
  0         done, or nothing to do
  1         it failed and the old release serves; or drift, or a check of doctor or of the project failed
  2         the command line, the configuration or a secret is wrong or missing
  3         a gate blocks, or somebody else is changing the environment
  4         a person is needed
  130, 143  interrupted (Ctrl-C, SIGTERM)`;

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
