import { parseConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/types.ts";
import { ShiplockError } from "../../src/errors.ts";

/** A small configuration that is right, as lines, so that tests can name a line. */
export const VALID = [
  "project: shop", // 1
  "registry: { address: registry.example.com/shop }", // 2
  "images:", // 3
  "  web:", // 4
  "    context: web", // 5
  "services:", // 6
  "  web:", // 7
  "    image: web", // 8
  "    port: 3000", // 9
  "    health: /health", // 10
  "environments:", // 11
  "  staging:", // 12
  "    target:", // 13
  "      compose:", // 14
  "        hosts: [deploy@10.0.0.5]", // 15
  "    strategy: rolling", // 16
  "",
].join("\n");

export const FILE = "/shop/shiplock.yml";

/** The valid configuration with texts replaced; each has to be there. */
export function changed(...changes: readonly (readonly [from: string, to: string])[]): string {
  let text = VALID;
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`the example has no ${from}`);
    text = text.replace(from, () => to);
  }
  return text;
}

export function load(text: string, env: Record<string, string> = {}): Config {
  return parseConfig(text, FILE, env);
}

/** The lines of `config/invalid` without the file's name: `4:5: images.web: …`. */
export function problemsIn(text: string, env: Record<string, string> = {}): readonly string[] {
  const error = errorOf(() => load(text, env));
  if (error.code !== "config/invalid" || error.blame !== "usage") throw error;
  return error.details.map((line) => line.replace(`${FILE}:`, ""));
}

export function errorOf(action: () => unknown): ShiplockError {
  try {
    action();
  } catch (error) {
    if (error instanceof ShiplockError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

export async function rejectionOf(promise: Promise<unknown>): Promise<ShiplockError> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof ShiplockError) return outcome;
  throw new Error(outcome === undefined ? "nothing was refused" : "refused with another kind of error", {
    cause: outcome,
  });
}
