/** Where in a file a problem lies; line and column count from 1. */
export type SourceLocation = { file: string; line?: number; column?: number };

/**
 * Who has to act. `usage`: the command or configuration is wrong (exit 2). `gate`: a gate blocks or waits, or the lease
 * is held (exit 3). `failed`: it failed and the old release serves, or nothing was touched (exit 1). `person`: the environment
 * needs a person (exit 4). `bug`: Shiplock's own fault (exit 1).
 */
export type Blame = "usage" | "gate" | "failed" | "person" | "bug";

export type ShiplockErrorOptions = {
  code: string;
  message: string;
  blame?: Blame;
  remedy?: string;
  where?: SourceLocation | string;
  details?: readonly string[];
  cause?: unknown;
};

/**
 * An error that is told to a person: a stable code, what happened, where, and what to do next. Everything that is thrown on purpose
 * is one of these; any other error that reaches the command line is reported as a bug.
 */
export class ShiplockError extends Error {
  readonly code: string;
  readonly blame: Blame;
  readonly remedy: string | undefined;
  readonly where: SourceLocation | string | undefined;
  readonly details: readonly string[];

  constructor(options: ShiplockErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ShiplockError";
    this.code = options.code;
    this.blame = options.blame ?? "failed";
    this.remedy = options.remedy;
    this.where = options.where;
    this.details = options.details ?? [];
  }
}

/** `file:line:column`, as editors and terminals make clickable; a plain string is returned as it is. */
export function formatLocation(where: SourceLocation | string): string {
  if (typeof where === "string") return where;
  const line = where.line === undefined ? "" : `:${where.line}`;
  const column = where.line === undefined || where.column === undefined ? "" : `:${where.column}`;
  return `${where.file}${line}${column}`;
}

/** The sentence for a cause that may be anything: an Error's message, or the value as text. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
