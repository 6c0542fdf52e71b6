/** What a step marked for people, at a file and a line where it named them. */
export type Annotation = {
  readonly level: "error" | "warning" | "notice";
  readonly message: string;
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly title: string | undefined;
};

/** The log of one job, read line by line as GitHub's runner reads what a step prints. */
export type JobLog = {
  readonly annotations: readonly Annotation[];
  /** What a person sees: without commands, every masked value as `***`. */
  text(): string;
  /** What the steps printed, before any mask. */
  raw(): string;
  /** Takes one line of a step's output. */
  print(line: string): void;
  mask(value: string): void;
  /** Before another step: what the one before stopped goes on. */
  resume(): void;
};

const levels = ["error", "warning", "notice"] as const;

/** Commands that GitHub's runner carries out; others are text. */
const commands = [
  ...levels,
  "debug",
  "group",
  "endgroup",
  "add-mask",
  "stop-commands",
  "add-matcher",
  "remove-matcher",
  "echo",
];

/** Commands that GitHub's runner refuses, with an error on the step. */
const refused = ["set-env", "add-path", "set-output", "save-state"];

type Command = { readonly name: string; readonly properties: Readonly<Record<string, string>>; readonly data: string };

/**
 * @param hidden masked from the first line on
 * @param onLine called after each line
 */
export function createJobLog(hidden: readonly string[] = [], onLine: () => void = () => undefined): JobLog {
  const masks = new Set<string>();
  const annotations: Annotation[] = [];
  const shown: string[] = [];
  const raw: string[] = [];
  let resumeAt: string | null = null;
  for (const value of hidden) mask(value);

  function mask(value: string): void {
    for (const line of [value, ...value.split(/\r?\n/)]) if (line.trim() !== "") masks.add(line);
  }

  function masked(line: string): string {
    const longestFirst = [...masks].sort((one, other) => other.length - one.length);
    return longestFirst.reduce((text, value) => text.replaceAll(value, "***"), line);
  }

  function carryOut({ name, properties, data }: Command): void {
    if (refused.includes(name)) throw new Error(`a step printed the command "${name}", which GitHub switched off`);
    if (name === "add-mask") {
      if (data.trim() === "") throw new Error("a step masked nothing: GitHub's runner warns of it");
      return mask(data);
    }
    if (name === "stop-commands") {
      if (data === "" || commands.includes(data)) throw new Error(`"${data}" cannot end stopped commands`);
      resumeAt = data;
      return;
    }
    const level = levels.find((each) => each === name);
    if (level === undefined) {
      shown.push(masked(name === "group" ? `> ${data}` : ""));
      return;
    }
    const number = (key: string): number | undefined =>
      properties[key] === undefined ? undefined : Number(properties[key]);
    annotations.push({
      level,
      message: masked(data),
      file: properties["file"],
      line: number("line"),
      column: number("col"),
      title: properties["title"] === undefined ? undefined : masked(properties["title"]),
    });
    shown.push(masked(`${level}: ${data}`));
  }

  function take(line: string): void {
    const stopped = resumeAt !== null;
    if (stopped && line.trim() === `::${resumeAt}::`) {
      resumeAt = null;
      return;
    }
    const command = stopped ? null : commandOf(line);
    if (command === null) shown.push(masked(line));
    else carryOut(command);
  }

  return {
    annotations,
    text: () => shown.join("\n"),
    raw: () => raw.join("\n"),
    mask,
    resume: () => void (resumeAt = null),
    print: (line) => {
      raw.push(line);
      take(line);
      onLine();
    },
  };
}

/** Both forms that GitHub's runner takes: `::name key=value::data` at the beginning of a line, and `##[name key=value]data` anywhere in one. */
function commandOf(line: string): Command | null {
  const known = (name: string): boolean => commands.includes(name) || refused.includes(name);
  const second = /^\s*::([\w-]+)(?: (.*?))?::(.*)$/s.exec(line);
  if (second !== null && known(second[1]?.toLowerCase() ?? ""))
    return {
      name: (second[1] ?? "").toLowerCase(),
      properties: propertiesOf(second[2] ?? "", ","),
      data: unescaped(second[3] ?? ""),
    };
  const first = /##\[([\w-]+)(?: ([^\]]*))?\](.*)$/s.exec(line);
  if (first === null || !known(first[1]?.toLowerCase() ?? "")) return null;
  return { name: (first[1] ?? "").toLowerCase(), properties: propertiesOf(first[2] ?? "", ";"), data: first[3] ?? "" };
}

function propertiesOf(text: string, separator: string): Record<string, string> {
  const pairs = text.split(separator).filter((pair) => pair.includes("="));
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      const value = unescaped(pair.slice(at + 1))
        .replaceAll("%3A", ":")
        .replaceAll("%2C", ",");
      return [pair.slice(0, at).trim(), value];
    }),
  );
}

function unescaped(text: string): string {
  return text.replaceAll("%0D", "\r").replaceAll("%0A", "\n").replaceAll("%25", "%");
}
