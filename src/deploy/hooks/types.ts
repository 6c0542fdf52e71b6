/** The points at which a team's own commands run, in the order of a deployment. The last one is reached only when it did not succeed. */
export const hookPoints = ["before", "beforeTraffic", "afterTraffic", "after", "afterFailure"] as const;
export type HookPoint = (typeof hookPoints)[number];

/** A line for `sh -e`, which only the user writes, or arguments that no shell takes apart. */
export type HookCommand =
  | { readonly kind: "shell"; readonly line: string }
  | { readonly kind: "arguments"; readonly arguments: readonly string[] };

/** A command at a point of a deployment. It travels in the plan, so that any machine can go on with it; of secrets it holds the names alone. */
export type Hook = {
  readonly name: string;
  readonly run: HookCommand;
  readonly timeoutMs: number;
  /** What a failure means: `stop` takes everything back, `continue` is noted, `rollback` begins another deployment once this one has ended. */
  readonly onFailure: "stop" | "continue" | "rollback";
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
};

export type Hooks = Readonly<Record<HookPoint, readonly Hook[]>>;
