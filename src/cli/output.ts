import type { ShiplockError } from "../errors.ts";
import { formatLocation } from "../errors.ts";
import { createMasker, type Masker, maskedJson } from "../secrets/mask.ts";

/**
 * Where a command speaks. `line` is for people, and is silent with `--json`; `event` is for machines, one JSON object per line with `--json=stream`; `result` is the one
 * document of `--json`. Everything passes the masker, and what is for people holds no control characters but our own colours; `raw` alone leaves them in.
 */
export type Output = {
  readonly mode: "human" | "json" | "stream";
  /** A terminal that wants colour and redrawing. */
  readonly terminal: boolean;
  line(text?: string): void;
  /** Like `line`, for text whose own colours are wanted: the log of a container. */
  raw(text: string): void;
  /** What is said beside the result: progress and warnings. On standard error, so that it is heard with `--json` too. */
  note(text: string): void;
  event(value: unknown): void;
  result(value: unknown): void;
  error(error: ShiplockError): void;
  /** Masks these values in everything that is said from now on. */
  hide(secrets: readonly string[]): void;
  /** The values that are masked by now. */
  hidden(): readonly string[];
  /** Text as it may be said and stored: without the values of secrets. Its streams and lines are for what somebody else writes piece by piece. */
  readonly mask: Masker;
  readonly paint: Paint;
};

/** An error as data. */
export type ToldError = Pick<ShiplockError, "code" | "blame" | "message" | "remedy" | "where" | "details">;

/**
 * Who hears as data what people read as text: the Action, for its outputs, its summary and its annotations. What it hears is masked, whatever the mode, and comes before the
 * text of the same thing.
 */
export type Listener = {
  /** What a line of `--json=stream` would hold. */
  event(value: unknown): void;
  /** What `--json` would print. */
  result(value: unknown): void;
  /** Tells an error itself: nothing of it is written then. */
  error(error: ToldError): void;
  /** Values that nobody may read, as soon as they are known. */
  hide(secrets: readonly string[]): void;
};

export type Paint = Record<"bold" | "dim" | "green" | "red" | "yellow" | "cyan", (text: string) => string>;

/** Where text goes. */
export type Stream = { write(text: string): unknown; isTTY?: boolean };

/** @param environment decides on colour: NO_COLOR and TERM=dumb switch it off, CI makes plain lines */
export function createOutput(options: {
  json: boolean | string | undefined;
  stdout: Stream;
  stderr: Stream;
  environment: Readonly<Record<string, string | undefined>>;
  listener?: Listener;
}): Output {
  const { stdout, stderr, environment, listener } = options;
  const mode =
    options.json === undefined || options.json === false ? "human" : options.json === "stream" ? "stream" : "json";
  const terminal =
    mode === "human" && stdout.isTTY === true && environment["CI"] === undefined && environment["TERM"] !== "dumb";
  const colour = terminal && (environment["NO_COLOR"] ?? "") === "";
  const paint = painter(colour);
  const hidden = new Set<string>();
  const mask = createMasker([]);
  const write = (stream: Stream, text: string): void => {
    stream.write(`${mask(text)}\n`);
  };
  const json = (value: unknown, indent?: number): void => {
    stdout.write(`${maskedJson(value, mask, indent)}\n`);
  };
  const heard = <Value>(value: Value): Value => JSON.parse(maskedJson(value, mask) ?? "null") as Value;
  const safe = colour ? printableInColour : printable;
  return {
    mode,
    terminal,
    paint,
    line: (text = "") => {
      if (mode === "human") write(stdout, safe(text));
    },
    raw: (text) => {
      if (mode === "human") write(stdout, text);
    },
    note: (text) => write(stderr, safe(text)),
    event: (value) => {
      listener?.event(heard(value));
      if (mode === "stream") json(value);
    },
    result: (value) => {
      listener?.result(heard(value));
      if (mode === "json") json(value, 2);
      if (mode === "stream") json({ kind: "result", result: value });
    },
    error: (error) => {
      if (listener !== undefined) return listener.error(heard(toldError(error)));
      if (mode === "human") return write(stderr, safe(errorText(error, painter(colour && stderr.isTTY === true))));
      json({ error: errorDocument(error) }, mode === "json" ? 2 : undefined);
    },
    hide: (secrets) => {
      for (const secret of secrets) hidden.add(secret);
      mask.add(secrets);
      listener?.hide(secrets);
    },
    hidden: () => [...hidden],
    mask,
  };
}

function toldError({ code, blame, message, remedy, where, details }: ShiplockError): ToldError {
  return { code, blame, message, remedy, where, details };
}

/** An error for a machine. */
export function errorDocument(error: ShiplockError): Record<string, unknown> {
  const { code, message, remedy, where, details } = error;
  return {
    code,
    message,
    ...(where === undefined ? {} : { where: formatLocation(where) }),
    ...(remedy === undefined ? {} : { remedy }),
    details,
  };
}

/** An error for a person: what happened, where, what stands behind it, what to do next. */
export function errorText(error: ShiplockError, paint: Paint): string {
  const where = error.where === undefined ? "" : `${formatLocation(error.where)}: `;
  const lines = [
    `${paint.red("error")} ${paint.dim(`[${error.code}]`)} ${where}${error.message}`,
    ...error.details.map((detail) => `  ${printable(detail)}`),
  ];
  if (error.remedy !== undefined) lines.push(`${paint.cyan("what to do")}: ${error.remedy}`);
  return lines.join("\n");
}

/** What would move a terminal's cursor, hide characters or turn the order of reading around. */
const unprintable =
  "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]";
const everyUnprintable = new RegExp(unprintable, "g");
const ownColour = "\\u001b\\[(?:1|2|22|3[1236]|39)m";
const unprintableButOurs = new RegExp(`${ownColour}|${unprintable}`, "g");

/** Text of outside origin without what would move a terminal's cursor or hide characters. */
export function printable(text: string): string {
  return text.replaceAll(everyUnprintable, escaped);
}

function printableInColour(text: string): string {
  return text.replaceAll(unprintableButOurs, (found) => (found.length > 1 ? found : escaped(found)));
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function painter(colour: boolean): Paint {
  const wrap = (open: number, close: number) => (text: string) =>
    colour ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    bold: wrap(1, 22),
    dim: wrap(2, 22),
    green: wrap(32, 39),
    red: wrap(31, 39),
    yellow: wrap(33, 39),
    cyan: wrap(36, 39),
  };
}
