/** A word of a command, as the program gets it: without quotes, but with variables and `${{ }}` as they are written. */
export type Word = {
  readonly text: string;
  /** Where in the script each character of the text stands; one more for its end. */
  readonly offsets: readonly number[];
  /** Some of it stands in quotes, so it is never a keyword. */
  readonly quoted: boolean;
};

export type Redirect = {
  /** `>`, `>>`, `<`, `<<`, `<<<` and their kin, without the number of the stream. */
  readonly operator: string;
  /** A file's name, or the text of `<<<`; null for a here-document. */
  readonly target: Word | null;
  /** What the here-document holds. */
  readonly body: { readonly text: string; readonly offsets: readonly number[] } | null;
};

/** What stands between a command and the next: `&&` and `||` look at its exit code, `|` hands its output on, `;` (also the end of a line) does not care. */
export type Joint = "&&" | "||" | "|" | ";" | "&" | "end";

export type Command = {
  readonly words: readonly Word[];
  readonly assignments: readonly { readonly name: string; readonly value: Word }[];
  readonly redirects: readonly Redirect[];
  readonly start: number;
  readonly before: Joint;
  readonly after: Joint;
  /** Commands joined by `|` share a number. */
  readonly pipeline: number;
  /** Its exit code is asked for by `if`, `while`, `until` or `!`. */
  readonly asked: boolean;
  /** Inside `for`, `while` or `until`. */
  readonly looped: boolean;
  /** Inside `$( )` or backquotes. */
  readonly substituted: boolean;
};
