/** Something that looks like a secret and is none, or not one any more. */
export type LeakIgnore = {
  /** Pattern of paths from the repository's root, as in `.gitignore`. */
  readonly file: string;
  /** The rule that finds it there. */
  readonly rule: string;
  readonly reason: string;
};

/** What may be in a commit although it looks like a secret; `off`: nobody looks. */
export type LeakPolicy = { readonly ignore: readonly LeakIgnore[] } | "off";
