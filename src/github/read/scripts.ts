import { readCommands } from "./shell/commands.ts";
import { pastOptions, type Program, programOf } from "./shell/program.ts";
import type { Command } from "./shell/types.ts";
import { partOfText } from "./text.ts";
import type { Place, Step, Text } from "./types.ts";

/** A script, and where it runs. */
export type Script = {
  readonly text: Text;
  readonly commands: readonly Command[];
  /** `host`: on another machine, reached by SSH. */
  readonly where: "runner" | "host";
  /** A command that fails ends it. */
  readonly stops: boolean;
};

/** A command in the order in which things happen: what a command hands to another machine stands right after it. */
export type Ran = {
  readonly command: Command;
  readonly program: Program;
  readonly script: Script;
  readonly place: Place;
};

/** Scripts that hand on scripts that hand on scripts. */
const DEEPEST = 6;

const shells = new Set(["sh", "bash", "dash", "zsh", "ash"]);
const sshValued = [
  ...["-b", "-c", "-D", "-E", "-e", "-F", "-I", "-i", "-J", "-L", "-l", "-m", "-O", "-o", "-p", "-Q", "-R", "-S"],
  ...["-W", "-w", "-B"],
];

/** Actions that run a script on another machine: the input that holds it. */
const remoteActions: Readonly<Record<string, string>> = {
  "appleboy/ssh-action": "script",
  "garygrossgarten/github-action-ssh": "command",
  "fifsky/ssh-action": "command",
  "d3rhase/ssh-command-action": "command",
  "cross-the-world/ssh-pipeline": "script",
};

/** The action that a step uses, without its version, in small letters; the empty text for a script. */
export function actionOf({ uses }: { uses: Text | null }): string {
  return (uses?.value ?? "").split("@", 1)[0]?.toLowerCase() ?? "";
}

/** The input of a step with a name. */
export function inputOf(step: Pick<Step, "with">, name: string): Text | null {
  const value = step.with.find(({ key }) => key.toLowerCase() === name)?.value;
  return value?.kind === "text" ? value.text : null;
}

/** The text of a step that a shell reads, with where that shell runs. Null for a step without, or of another language. */
export function ownScript(step: Step, defaultShell: string | null): Script | null {
  if (step.run !== null) {
    const shell = step.shell ?? defaultShell;
    if (shell !== null && !shells.has(shell.trim().split(/\s/, 1)[0] ?? "")) return null;
    // GitHub starts both `bash -e` and `sh -e`, unless `shell` is a command line of its own.
    const stops = shell === null || !shell.includes(" ") || /\s-\w*e/.test(shell);
    return scriptOf(step.run, "runner", stops);
  }
  const input = remoteActions[actionOf(step)];
  const script = input === undefined ? null : inputOf(step, input);
  if (script === null) return null;
  return scriptOf(script, "host", inputOf(step, "script_stop")?.value === "true");
}

/** Every command of a step, also of what it runs on other machines. */
export function commandsOf(step: Step, defaultShell: string | null): readonly Ran[] {
  const script = ownScript(step, defaultShell);
  return script === null ? [] : ranIn(script, 0);
}

/** The scripts of a step: its own, and each that one of its commands hands on. */
export function scriptsOf(step: Step, defaultShell: string | null): readonly Script[] {
  const own = ownScript(step, defaultShell);
  if (own === null) return [];
  return [...new Set([own, ...ranIn(own, 0).map(({ script }) => script)])];
}

function ranIn(script: Script, depth: number): readonly Ran[] {
  return script.commands.flatMap((command) => {
    const program = programOf(command);
    if (program === null) return [];
    const place = script.text.placeAt(command.start);
    const inner = depth < DEEPEST ? handedOn(script, command, program) : [];
    return [{ command, program, script, place }, ...inner.flatMap((each) => ranIn(each, depth + 1))];
  });
}

/** The scripts that a command gives to another shell: as arguments of `ssh`, after `-c`, on standard input. */
function handedOn(script: Script, command: Command, { name, args }: Program): readonly Script[] {
  const { text } = script;
  if (name === "ssh") {
    // OpenSSH takes options before and after the host.
    const [, ...afterHost] = pastOptions(args, sshValued);
    const remote = pastOptions(afterHost, sshValued);
    const first = remote[0]?.text.split(/[\s/]/).at(0) ?? "";
    const shell =
      remote.length > 0 && (shells.has(first) || /^(?:sudo\s+)?(?:ba|da|z)?sh(?:\s+-\S+)*$/.test(joined(remote)));
    const stops = shell && /(?:^|\s)-(?:\w*e\w*|o\s+errexit)(?:\s|$)/.test(joined(remote));
    const input = inputsOf(command).map((part) => scriptOf(partOfText(text, part.text, part.offsets), "host", stops));
    if (shell && input.length > 0) return input;
    if (remote.length === 0) return input;
    const words = remote.flatMap((word, index) => (index === 0 ? [word] : [space(word.offsets[0] ?? 0), word]));
    const offsets = words.flatMap((word) => word.offsets.slice(0, word.text.length));
    const value = words.map((word) => word.text).join("");
    return [scriptOf(partOfText(text, value, [...offsets, remote.at(-1)?.offsets.at(-1) ?? 0]), "host", false)];
  }
  if (!shells.has(name) && name !== "eval" && name !== "su") return [];
  const stops = args.some((word) => /^-\w*e\w*$/.test(word.text) || word.text === "errexit");
  const flag = args.findIndex((word) => /^-\w*c$/.test(word.text));
  const code = name === "eval" ? args[0] : args[flag + 1];
  if (code !== undefined && (flag !== -1 || name === "eval"))
    return [scriptOf(partOfText(text, code.text, code.offsets), script.where, stops)];
  return inputsOf(command).map((part) => scriptOf(partOfText(text, part.text, part.offsets), script.where, stops));
}

function inputsOf({ redirects }: Command): readonly { text: string; offsets: readonly number[] }[] {
  return redirects.flatMap(({ operator, target, body }) => {
    if (body !== null) return [body];
    return operator === "<<<" && target !== null ? [target] : [];
  });
}

function joined(words: readonly { text: string }[]): string {
  return words.map(({ text }) => text).join(" ");
}

function space(at: number): { text: string; offsets: readonly number[] } {
  return { text: " ", offsets: [at] };
}

function scriptOf(text: Text, where: Script["where"], stops: boolean): Script {
  const commands = readCommands(text.value);
  return { text, commands, where, stops: stops || commands.some(setsErrexit) };
}

/** `set -e` in any of its forms. */
function setsErrexit(command: Command): boolean {
  const [first, ...rest] = command.words.map(({ text }) => text);
  return (
    first === "set" &&
    rest.some((word, at) => /^-\w*e/.test(word) || (word === "errexit" && rest[at - 1]?.startsWith("-")))
  );
}
