/** A check as it is configured, for all values of its matrix. */
export type Check = {
  readonly name: string;
  readonly place: CheckPlace;
  readonly run: CheckCommand;
  /** Relative to the configuration's folder; "." is that folder. */
  readonly directory: string;
  readonly needs: readonly string[];
  /** Values by variable; a check without a matrix has none. */
  readonly matrix: Readonly<Record<string, readonly string[]>>;
  /** Texts may hold `${NAME}` of the matrix. */
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly services: readonly CheckService[];
  readonly caches: readonly { readonly path: string; readonly key: readonly string[] }[];
  /** Patterns from the root of the repository; `undefined`: every file. */
  readonly files: readonly string[] | undefined;
  readonly artifacts: readonly string[];
  readonly junit: readonly string[];
  readonly coverage:
    | { readonly file: string; readonly format: "lcov" | "cobertura" | undefined; readonly atLeast: number | undefined }
    | undefined;
  readonly warnings:
    | { readonly file: string; readonly format: "eslint" | "sarif" | undefined; readonly atMost: number }
    | undefined;
  /** For one try. */
  readonly timeoutMs: number;
  /** Further tries after a failure. */
  readonly retries: number;
  readonly network: "default" | "host" | "none";
  readonly cached: boolean;
  readonly required: boolean;
};

/** A container of an image (which may hold `${NAME}` of the matrix), or a process of the machine. */
export type CheckPlace = { readonly kind: "container"; readonly image: string } | { readonly kind: "process" };

/** A line for `sh -e`, or a list of arguments that no shell takes apart. */
export type CheckCommand =
  | { readonly kind: "shell"; readonly line: string }
  | { readonly kind: "arguments"; readonly arguments: readonly string[] };

export type CheckService = {
  /** Name by which the check reaches it. */
  readonly name: string;
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  /** `undefined`: the image's own. */
  readonly command: readonly string[] | undefined;
  /** `undefined`: the image's own `HEALTHCHECK`. */
  readonly health: CheckCommand | undefined;
  /** From its start until it has to be healthy. */
  readonly startPeriodMs: number;
};
