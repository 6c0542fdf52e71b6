/** A place in a file; both count from 1. */
export type Place = { readonly line: number; readonly column: number };

/** A text of a file that still knows where each of its characters stands. */
export type Text = {
  readonly value: string;
  readonly place: Place;
  placeAt(offset: number): Place;
};

/** What a YAML file says, with places: aliases are followed, so that a value that is used twice stands here twice, with the place where it is written. */
export type Value =
  | { readonly kind: "text"; readonly text: Text; readonly place: Place }
  | { readonly kind: "list"; readonly items: readonly Value[]; readonly place: Place }
  | { readonly kind: "map"; readonly entries: readonly Entry[]; readonly place: Place }
  | { readonly kind: "empty"; readonly place: Place };

export type Entry = { readonly key: string; readonly place: Place; readonly value: Value };

/** Something that cannot be read, and where. */
export type Unreadable = { readonly place: Place; readonly sentence: string };

/** What `concurrency` says: one group, whose later runs wait or push aside the earlier. */
export type Concurrency = {
  readonly group: Text | null;
  /** `cancel-in-progress` as it is written. */
  readonly cancel: { readonly text: string; readonly place: Place } | null;
  /** `queue` as it is written. */
  readonly queue: string | null;
  readonly place: Place;
};

/** What `on` says of one event. */
export type Trigger = { readonly event: string; readonly place: Place; readonly options: Value };

export type Step = {
  readonly id: string | null;
  readonly name: Text | null;
  readonly if: Text | null;
  readonly uses: Text | null;
  readonly run: Text | null;
  readonly shell: string | null;
  readonly with: readonly Entry[];
  readonly env: readonly Entry[];
  readonly place: Place;
};

export type Job = {
  readonly id: string;
  readonly name: Text | null;
  readonly if: Text | null;
  readonly needs: readonly string[];
  readonly runsOn: readonly string[];
  /** The environment's name as it is written. */
  readonly environment: { readonly name: Text; readonly records: boolean } | null;
  readonly concurrency: Concurrency | null;
  readonly permissions: Value | null;
  readonly env: readonly Entry[];
  /** `defaults.run.shell`. */
  readonly shell: string | null;
  /** A reusable workflow that the job calls. */
  readonly uses: Text | null;
  readonly with: readonly Entry[];
  readonly matrix: Value | null;
  readonly steps: readonly Step[];
  readonly place: Place;
};

export type Workflow = {
  readonly kind: "workflow";
  readonly file: string;
  readonly name: string | null;
  readonly triggers: readonly Trigger[];
  readonly concurrency: Concurrency | null;
  readonly permissions: Value | null;
  readonly env: readonly Entry[];
  readonly shell: string | null;
  readonly jobs: readonly Job[];
  /** Where `jobs` stands. */
  readonly place: Place;
};

/** A composite action: steps that a job of a workflow takes in. */
export type CompositeAction = {
  readonly kind: "action";
  readonly file: string;
  readonly inputs: readonly string[];
  readonly steps: readonly Step[];
  readonly place: Place;
};

/** A file as it was read; what could not be is in `problems`. */
export type ReadFile = {
  readonly file: string;
  readonly source: string;
  readonly content: Workflow | CompositeAction | null;
  readonly problems: readonly Unreadable[];
};
