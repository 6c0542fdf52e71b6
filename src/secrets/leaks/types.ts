/** Something in a committed file that looks like a secret. Its value is in none of this. */
export type Leak = {
  /** Path from the repository's root. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** What found it: `aws`, `github`, `privatekey`, …, or `declared-secret` for the value of a secret that the configuration names. */
  readonly rule: string;
  /** In words: "AWS Secret Access Key". */
  readonly what: string;
};

/** A file by its path from the root, its mode as git has it, and a hash of what it holds. */
export type ScannedFile = { readonly path: string; readonly mode: string; readonly hash: string };

/** What was found in the files of a commit. */
export type LeakReport = {
  /** In the order of the files, and of their lines. */
  readonly leaks: readonly Leak[];
  /** Text files that were too long to be looked through. */
  readonly tooLong: readonly string[];
};
