import type { World } from "../state/world.ts";
import type { Caller, Need } from "../types.ts";

export type Asked = {
  readonly path: Readonly<Record<string, string>>;
  /** Checked against the description, with its defaults filled in. */
  readonly query: Readonly<Record<string, unknown>>;
  /** Checked against the description; an empty object where there was none. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly caller: Caller;
};

/** A list is cut into pages by whoever serves it. */
export type Listed = {
  readonly items: readonly unknown[];
  readonly show: (item: never) => unknown;
  /** Where the items stand in an object: `check_runs`, beside `total_count`. */
  readonly within?: string;
  /** What else is in that object. */
  readonly beside?: object;
  /** How many on a page unless told; 30. */
  readonly perPage?: number;
};
export type Answer =
  | { readonly status: number; readonly body?: unknown }
  | { readonly status: number; readonly list: Listed };

export type Route = {
  /** As GitHub's description writes it: `POST /repos/{owner}/{repo}/deployments`. */
  readonly name: string;
  /** Any one of these; nothing for what every token may. `app` is signed by the app itself. */
  readonly needs: readonly Need[] | "app" | "nothing";
  readonly answer: (asked: Asked, world: World) => Answer | Promise<Answer>;
};

export type Refused = {
  readonly resource: string;
  readonly field?: string;
  readonly code: string;
  readonly message?: string;
  readonly contexts?: unknown;
};

/** GitHub says no. */
export class Refusal extends Error {
  readonly status: number;
  readonly errors: readonly Refused[] | null;

  constructor(status: number, message: string, errors: readonly Refused[] | null = null) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.errors = errors;
  }
}

export function notFound(): Refusal {
  return new Refusal(404, "Not Found");
}

/** 422, as GitHub writes it about a field. */
export function invalid(resource: string, field: string, code: string, message?: string): Refusal {
  return new Refusal(422, "Validation Failed", [{ resource, field, code, ...(message !== undefined && { message }) }]);
}

/** A list with the items newest first, as most of GitHub's are. */
export function newestFirst<T>(
  items: readonly T[],
  show: (item: T) => unknown,
  within?: string,
): { status: 200; list: Listed } {
  return listed([...items].reverse(), show, within);
}

export function listed<T>(
  items: readonly T[],
  show: (item: T) => unknown,
  within?: string,
): { status: 200; list: Listed } {
  return { status: 200, list: { items, show: show, ...(within !== undefined && { within }) } };
}
