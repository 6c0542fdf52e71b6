import type { Command, Word } from "./types.ts";

/** What a command runs: the program's name without its folder, and its arguments. */
export type Program = { readonly name: string; readonly args: readonly Word[] };

/** Options of the programs that run others, which take the next word. */
const wrappers: Readonly<Record<string, { readonly valued: readonly string[]; readonly skips: number }>> = {
  sudo: {
    valued: ["-u", "--user", "-g", "--group", "-h", "--host", "-p", "--prompt", "-C", "-D", "-R", "-T"],
    skips: 0,
  },
  doas: { valued: ["-u", "-C"], skips: 0 },
  env: { valued: ["-u", "--unset", "-C", "--chdir", "-S"], skips: 0 },
  nohup: { valued: [], skips: 0 },
  exec: { valued: ["-a"], skips: 0 },
  command: { valued: [], skips: 0 },
  time: { valued: ["-f", "-o"], skips: 0 },
  nice: { valued: ["-n"], skips: 0 },
  timeout: { valued: ["-s", "--signal", "-k", "--kill-after"], skips: 1 },
  sshpass: { valued: ["-p", "-f", "-d", "-P"], skips: 0 },
  stdbuf: { valued: ["-i", "-o", "-e"], skips: 0 },
};

/** What a command runs, without `sudo`, `timeout` and others that only run it. Null for an assignment alone. */
export function programOf({ words }: Pick<Command, "words">): Program | null {
  let rest = words;
  // Each turn takes at least one word away.
  for (;;) {
    const [first] = rest;
    if (first === undefined) return null;
    const name = first.text.slice(first.text.lastIndexOf("/") + 1);
    // `${SUDO} docker`: a variable that holds sudo or nothing.
    const wrapper = /^\$\{?SUDO\}?$/i.test(first.text) ? wrappers["sudo"] : wrapperNamed(name);
    if (wrapper === undefined) return { name, args: rest.slice(1) };
    const after = pastAssignments(pastOptions(rest.slice(1), wrapper.valued)).slice(wrapper.skips);
    if (after.length === 0) return { name, args: rest.slice(1) };
    rest = after;
  }
}

function wrapperNamed(name: string): (typeof wrappers)[string] | undefined {
  return Object.hasOwn(wrappers, name) ? wrappers[name] : undefined;
}

/** Words after the leading options. */
export function pastOptions(words: readonly Word[], valued: readonly string[]): readonly Word[] {
  let at = 0;
  for (; at < words.length; at += 1) {
    const text = words[at]?.text ?? "";
    if (text === "--") return words.slice(at + 1);
    if (valued.includes(text)) at += 1;
    else if (!/^-./.test(text)) break;
  }
  return words.slice(at);
}

/** `env` and `sudo` take assignments before the program. */
function pastAssignments(words: readonly Word[]): readonly Word[] {
  const at = words.findIndex(({ text }) => !/^[A-Za-z_]\w*=/.test(text));
  return at === -1 ? [] : words.slice(at);
}

/** The values of an option, as `--name value` or `--name=value`. */
export function optionValues(args: readonly Word[], ...names: readonly string[]): readonly Word[] {
  return args.flatMap((word, index) => {
    const next = args[index + 1];
    if (names.includes(word.text)) return next === undefined ? [] : [next];
    const name = names.find((each) => each.startsWith("--") && word.text.startsWith(`${each}=`));
    if (name === undefined) return [];
    const from = name.length + 1;
    return [{ ...word, text: word.text.slice(from), offsets: word.offsets.slice(from) }];
  });
}

/** Whether an option without a value is there, also among short ones that stand together. */
export function hasOption(args: readonly Word[], long: string, short = ""): boolean {
  const together = short === "" ? null : new RegExp(`^-[A-Za-z]*${short}[A-Za-z]*$`);
  return args.some(({ text }) => text === long || text === `${long}=true` || together?.test(text) === true);
}

/** The words of a command as one line, for what looks at its sense. */
export function lineOf(command: Pick<Command, "words">): string {
  return command.words.map(({ text }) => text).join(" ");
}
