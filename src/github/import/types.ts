/** Where something stands in a workflow. */
export type From = { readonly file: string; readonly line: number };

/** A value, and the line that says it. */
export type Found<Value> = { readonly value: Value; readonly from: From };

/** Something of a workflow that the proposal does not do. */
export type Left = From & {
  /** What stands there, in one line. */
  readonly what: string;
  readonly why: string;
  readonly instead: string;
};

/** Something that a person has to fill in, with the key that it belongs to. */
export type Question = From & { readonly key: string; readonly question: string };

/** What the proposal took over, by the key that it became. */
export type Taken = From & { readonly key: string };

/** The configuration that does what workflows do, as far as they say it. */
export type Import = {
  /** `shiplock.yml`. */
  readonly text: string;
  readonly taken: readonly Taken[];
  readonly questions: readonly Question[];
  readonly left: readonly Left[];
  /** What a person should know about the repository itself. */
  readonly notes: readonly string[];
  /** Files that the configuration refers to and that are not there: `shiplock init` writes them. */
  readonly missing: readonly string[];
  /** Why the configuration cannot be loaded as it is; empty where it can. */
  readonly problems: readonly string[];
};

/** An image that a workflow builds. */
export type Build = {
  readonly context: string;
  readonly dockerfile: string | null;
  readonly target: string | null;
  readonly platforms: readonly string[];
  readonly args: readonly (readonly [string, string])[];
  readonly secrets: readonly string[];
  /** As it is written, without the tag; expressions that nothing answers are still in it. */
  readonly repository: string | null;
};

export type Login = { readonly server: string; readonly username: string; readonly password: string };

export type Migration = { readonly service: string; readonly command: readonly string[] };

export type Deploy = {
  readonly environment: Found<string>;
  /** Nothing says what it is called. */
  readonly guessed: boolean;
  readonly hosts: readonly Found<string>[];
  readonly url: Found<string> | null;
  readonly push: readonly Found<string>[];
  readonly tags: readonly Found<string>[];
  readonly schedule: readonly Found<string>[];
  readonly branches: readonly Found<string>[];
  /** Workflows that have to have passed. */
  readonly checks: readonly Found<string>[];
  /** Environments that are deployed before, by the same workflow. */
  readonly after: readonly Found<string>[];
  /** By the name that the application has for it; `on` is its name on GitHub. */
  readonly secrets: readonly Found<{ readonly name: string; readonly on: string }>[];
  readonly variables: readonly Found<readonly [string, string]>[];
  readonly smoke: readonly Found<string>[];
  readonly migrations: readonly Found<Migration>[];
  readonly timeout: Found<string> | null;
  readonly runner: Found<readonly string[]> | null;
  readonly local: boolean;
};

export type Notice = {
  readonly webhook: string | null;
  readonly channel: string | null;
  readonly token: string | null;
  readonly failuresOnly: boolean;
  readonly environments: readonly string[];
};
