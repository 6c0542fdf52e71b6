import type { Check } from "../../src/config/types.ts";

/** A check as it is without any key but `image` and `run`. */
export function check(name: string, changes: Partial<Check> = {}): Check {
  return {
    name,
    place: { kind: "container", image: "node:24-slim" },
    run: { kind: "shell", line: "true" },
    directory: ".",
    needs: [],
    matrix: {},
    env: {},
    secrets: [],
    services: [],
    caches: [],
    files: undefined,
    artifacts: [],
    junit: [],
    coverage: undefined,
    warnings: undefined,
    timeoutMs: 600_000,
    retries: 0,
    network: "default",
    cached: true,
    required: true,
    ...changes,
  };
}

/** Checks by name, in this order. */
export function checks(...all: readonly Check[]): Readonly<Record<string, Check>> {
  return Object.fromEntries(all.map((one) => [one.name, one]));
}
