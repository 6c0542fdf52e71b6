import type { SecretAnswer, SecretProvider, Variables } from "../provider.ts";

/** The environment variables of the command. */
export function processEnvironment(env: Variables): SecretProvider {
  return {
    kind: "env",
    name: "process environment",
    read: async (names) =>
      new Map(
        names.flatMap((name): [string, SecretAnswer][] => {
          const value = Object.hasOwn(env, name) ? env[name] : undefined;
          return value === undefined ? [] : [[name, { kind: "value", value, updatedAt: null }]];
        }),
      ),
  };
}
