import { nearest } from "../config/nearest.ts";
import { ShiplockError } from "../errors.ts";

/** Inputs that are about the run and not about one command. */
export const runInputs = ["command", "config", "project", "token", "ssh-key", "known-hosts"] as const;

/** Inputs that a command may take: as a word of its command line, or as a flag with or without a value. */
export const commandInputs = [
  "environment",
  "from",
  "ref",
  "release",
  "to",
  "checks",
  "version",
  "deployment",
  "reason",
  "confirm",
  "automatic",
  "emergency",
  "take-over",
  "override-freeze",
  "no-wait",
  "check",
  "verify",
  "artifacts",
  "caches",
  "handed",
  "hand-over",
] as const;

export type CommandInput = (typeof commandInputs)[number];
export type RunInput = (typeof runInputs)[number];

/** What the step says under `with`; an input that was left out or left empty is not there. */
export type ActionInputs = Readonly<Partial<Record<CommandInput | RunInput, string>>>;

const names: readonly string[] = [...runInputs, ...commandInputs];

/**
 * The inputs of a step, as the runner hands them over: `no-wait` in `INPUT_NO-WAIT`.
 * @throws ShiplockError `action/unknown-input`
 */
export function readInputs(env: Readonly<Record<string, string | undefined>>): ActionInputs {
  const given = Object.entries(env).flatMap(([variable, text = ""]): [string, string][] => {
    const name = inputOf(variable);
    return name === null || text.trim() === "" ? [] : [[name, text.trim()]];
  });
  for (const [name] of given) if (!names.includes(name)) throw unknownInput(name);
  return Object.fromEntries(given);
}

/** The environment of a step without its inputs: what the engine and whatever it starts may see. */
export function withoutInputs(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([variable]) => inputOf(variable) === null));
}

function inputOf(variable: string): string | null {
  return variable.startsWith("INPUT_") ? variable.slice("INPUT_".length).toLowerCase() : null;
}

function unknownInput(name: string): ShiplockError {
  const meant = nearest(name, names);
  return new ShiplockError({
    code: "action/unknown-input",
    blame: "usage",
    message: `the Action has no input ${JSON.stringify(name)}${meant === undefined ? "" : ` (did you mean ${meant}?)`}`,
    remedy: `take one of ${names.join(", ")}; secrets are given as \`env\` of the step`,
  });
}
