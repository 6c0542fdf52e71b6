/** A team's own command at a point of a deployment. */
export type Hook = {
  readonly name: string;
  readonly run:
    | { readonly kind: "shell"; readonly line: string }
    | { readonly kind: "arguments"; readonly arguments: readonly string[] };
  readonly timeoutMs: number;
  readonly onFailure: "stop" | "continue" | "rollback";
  readonly environment: Readonly<Record<string, string>>;
  /** Names of secrets that it gets as variables. */
  readonly secrets: readonly string[];
};

/** The hooks of an environment at each point, in the order in which they run. */
export type Hooks = {
  readonly before: readonly Hook[];
  readonly beforeTraffic: readonly Hook[];
  readonly afterTraffic: readonly Hook[];
  readonly after: readonly Hook[];
  readonly afterFailure: readonly Hook[];
};

/** How a release is looked at for a while after it has become live, and what follows when it goes bad. */
export type Watch = {
  readonly forMs: number;
  /** From the end of one look to the start of the next. */
  readonly everyMs: number;
  /** Bad looks in a row that make the release bad. */
  readonly failures: number;
  /** How often a container may restart during the watch before that is bad. */
  readonly restarts: number;
  readonly onFailure: "rollback" | "report";
};
