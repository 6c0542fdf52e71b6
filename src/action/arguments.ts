import { type CommandEntry, type CommandFlag, commands } from "../cli/commands/table.ts";
import { nearest } from "../config/nearest.ts";
import { ShiplockError } from "../errors.ts";
import { type ActionInputs, type CommandInput, commandInputs } from "./inputs.ts";

/** The input that stands for each word of a command line, by its name in the help. */
const wordInputs: Readonly<Record<string, CommandInput>> = {
  env: "environment",
  from: "from",
  to: "environment",
  names: "checks",
  version: "version",
  deployment: "deployment",
};

/** The input that stands for a flag, where it is not called like the flag. */
const flagInputs: Readonly<Record<string, CommandInput>> = { env: "environment", comment: "reason" };

/** What speaks with a person, writes files of the repository, or never ends. */
const withoutAction: ReadonlySet<string> = new Set(["init", "secrets", "notify"]);

/** Whatever the Action can run. */
export const actionCommands: readonly CommandEntry[] = commands.filter(({ name }) => !withoutAction.has(name));

/**
 * The command line that a step asks for. Values follow their flag behind `=`, and words stand behind `--`, so that nothing that came from outside is taken for a flag.
 * @throws ShiplockError `action/command-missing`, `action/unknown-command`, `action/input-missing`, `action/input-not-taken`, `action/not-a-switch`, `action/workflows-not-written`
 */
export function argumentsOf(inputs: ActionInputs): string[] {
  const command = commandOf(inputs.command);
  if (command.name === "workflows") refuseToWrite(inputs);
  const flags = new Map(command.flags.map((flag) => [inputOfFlag(flag), flag]));
  const words = command.arguments.map((word) => ({ ...word, input: wordInputs[word.name] }));
  const taken = [...flags.keys(), ...words.map(({ input }) => input)];
  for (const input of commandInputs)
    if (inputs[input] !== undefined && !taken.includes(input)) throw notTaken(command, input, taken);
  const written = [...flags].flatMap(([input, flag]) => (input === null ? [] : flagText(flag, input, inputs[input])));
  const positional = words.flatMap(({ input, required, variadic }) => {
    const value = input === undefined ? undefined : inputs[input];
    if (value === undefined && required) throw inputMissing(command, input ?? "command");
    if (value === undefined) return [];
    return variadic === true ? linesOf(value) : [value];
  });
  demandWordsInOrder(
    command,
    words.map(({ input }) => input),
    inputs,
  );
  return [
    command.name,
    ...written,
    ...(inputs.config === undefined ? [] : [`--config=${inputs.config}`]),
    ...(inputs.project === undefined ? [] : [`--project=${inputs.project}`]),
    ...(positional.length === 0 ? [] : ["--", ...positional]),
  ];
}

/** The input for a flag; null for one that the Action does not offer. */
function inputOfFlag({ flags }: CommandFlag): CommandInput | null {
  const name = /--([a-z-]+)/.exec(flags)?.[1] ?? "";
  const input = flagInputs[name] ?? name;
  return commandInputs.find((one) => one === input) ?? null;
}

function flagText({ flags }: CommandFlag, input: CommandInput, value: string | undefined): string[] {
  if (value === undefined) return [];
  const name = /--[a-z-]+/.exec(flags)?.[0] ?? "";
  if (flags.includes("<")) return [`${name}=${value}`];
  if (/^true$/i.test(value)) return [name];
  if (/^false$/i.test(value)) return [];
  throw new ShiplockError({
    code: "action/not-a-switch",
    blame: "usage",
    message: `the input ${input} is ${JSON.stringify(value)}, and takes true or false`,
    remedy: `write \`${input}: true\`, or leave it out`,
  });
}

function linesOf(value: string): string[] {
  return value
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

/** What a step writes into the repository is gone with its runner, so all it can do with workflows is compare them. */
function refuseToWrite({ check }: ActionInputs): void {
  if (check !== undefined && /^true$/i.test(check)) return;
  throw new ShiplockError({
    code: "action/workflows-not-written",
    blame: "usage",
    message: "a step writes no workflows: what it wrote would be gone with its runner",
    remedy: "write `check: true` beside it, which says whether they are those that the configuration means",
  });
}

/** A word that may be left out cannot be left out before one that is given. */
function demandWordsInOrder(
  command: CommandEntry,
  words: readonly (CommandInput | undefined)[],
  inputs: ActionInputs,
): void {
  const given = words.map((input) => input !== undefined && inputs[input] !== undefined);
  const gap = given.indexOf(false);
  if (gap !== -1 && given.lastIndexOf(true) > gap) throw inputMissing(command, words[gap] ?? "command");
}

/** @throws ShiplockError `action/command-missing`, `action/unknown-command` */
function commandOf(name: string | undefined): CommandEntry {
  const known = actionCommands.map((command) => command.name);
  if (name === undefined)
    throw new ShiplockError({
      code: "action/command-missing",
      blame: "usage",
      message: "the step does not say which command it wants",
      remedy: `write \`command: deploy\` under \`with\`; one of ${known.join(", ")}`,
    });
  const command = actionCommands.find((one) => one.name === name);
  if (command !== undefined) return command;
  const meant = nearest(name, known);
  throw new ShiplockError({
    code: "action/unknown-command",
    blame: "usage",
    message: withoutAction.has(name)
      ? `\`shiplock ${name}\` is for people, not for a workflow`
      : `there is no command ${JSON.stringify(name)}${meant === undefined ? "" : ` (did you mean ${meant}?)`}`,
    remedy: `take one of ${known.join(", ")}`,
  });
}

function inputMissing(command: CommandEntry, input: string): ShiplockError {
  return new ShiplockError({
    code: "action/input-missing",
    blame: "usage",
    message: `\`${command.name}\` needs the input ${input}`,
    remedy: `write \`${input}: …\` under \`with\``,
  });
}

function notTaken(
  command: CommandEntry,
  input: CommandInput,
  taken: readonly (CommandInput | null | undefined)[],
): ShiplockError {
  const names = [...new Set(taken.filter((one) => typeof one === "string"))];
  return new ShiplockError({
    code: "action/input-not-taken",
    blame: "usage",
    message: `\`${command.name}\` does not take the input ${input}`,
    remedy: names.length === 0 ? "leave it out" : `leave it out; \`${command.name}\` takes ${names.join(", ")}`,
  });
}
