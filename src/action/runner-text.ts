/**
 * The language between an action and GitHub's runner: lines of the log that begin with `::` are commands, and so is everything behind `##[` in a line. Pure.
 */

/** What a command says beside its data: where an annotation belongs, for example. */
export type CommandProperties = Readonly<Record<string, string | number | undefined>>;

/** A workflow command as a line of the log: `::error file=a.yml,line=3::Sentence`. */
export function workflowCommand(name: string, properties: CommandProperties, data: string): string {
  const written = Object.entries(properties)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([key, value]) => `${key}=${escapedProperty(String(value))}`)
    .join(",");
  return `::${name}${written === "" ? "" : ` ${written}`}::${escapedData(data)}\n`;
}

function escapedData(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapedProperty(text: string): string {
  return escapedData(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}

/** Where the runner sees the beginning of a line. */
const lineBreak = /(\r\n|\r|\n)/;
/** The runner trims a line before it looks; what .NET takes for white space, and what ECMAScript does. */
const commandAtStart = /^([\s\u0085\u180e\u200b\ufeff]*)::/;

/** Text of the log in which the runner finds no command, whoever wrote it: an application, a check, a commit's message. It begins a line. */
export function withoutCommands(text: string): string {
  return text
    .split(lineBreak)
    .map((line, at) => (at % 2 === 1 ? line : harmless(line)))
    .join("");
}

function harmless(line: string): string {
  return line.replace(commandAtStart, "$1│ ::").replaceAll("##[", "## [");
}

/** Values shorter than this are part of ordinary text; Shiplock's own masker leaves them alone too. */
const shortestMasked = 4;

/** What the runner has to be told so that it masks a value: it masks lines, so a value of several lines is told line by line. */
export function maskedLines(value: string): string[] {
  return [...new Set(value.split(/\r\n|\r|\n/).map((line) => line.trim()))].filter(
    (line) => line.length >= shortestMasked,
  );
}

/**
 * A value for one of the runner's files (`GITHUB_OUTPUT`, `GITHUB_STATE`): between two lines that stand nowhere in it.
 * @param unguessable so that no value can hold the line that ends it
 */
export function fileCommand(name: string, value: string, unguessable: string): string {
  return `${name}<<${unguessable}\n${value}\n${unguessable}\n`;
}
