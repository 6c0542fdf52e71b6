/** What the actions of `shiplock secrets` need of the outside, so that a test can be it. */
export type SecretsWorld = {
  /** A value: all of standard input, or, in a terminal, what is typed there without being shown. Without the last line break. */
  readValue: (question: string) => Promise<string>;
  /** Lets the user change a file, and resolves when the editor has ended well. */
  edit: (file: string) => Promise<void>;
  /** Asks yes or no; null where there is nobody to ask. */
  ask: ((question: string) => Promise<boolean>) | null;
  now: () => Date;
};
