import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import type { SecretAnswer, SecretProvider } from "../provider.ts";
import { unreadable } from "./failures.ts";

/**
 * A file of `NAME=value` lines, as `node --env-file` reads it.
 * @param file absolute path
 * @param written the path for people
 */
export function dotenvFile(file: string, written: string): SecretProvider {
  const name = `dotenv file ${written}`;
  const parsed = async (): Promise<Map<string, string>> => {
    const text = await readFile(file, "utf8").catch((cause: unknown) => {
      throw unreadable(name, cause, `make the file, or take \`dotenv: ${written}\` out of the providers`);
    });
    return new Map(Object.entries(parseEnv(text)).map(([key, value]) => [key, value ?? ""]));
  };
  return {
    kind: "dotenv",
    name,
    read: async (names) => {
      const there = await parsed();
      return new Map(
        names.flatMap((key): [string, SecretAnswer][] => {
          const value = there.get(key);
          return value === undefined ? [] : [[key, { kind: "value", value, updatedAt: null }]];
        }),
      );
    },
    list: async () => new Map([...(await parsed()).keys()].map((key) => [key, { updatedAt: null }])),
  };
}
