import { readFile } from "node:fs/promises";
import { decryptValue } from "../age/crypto.ts";
import { type AgeDocument, parseAgeFile } from "../age/document.ts";
import { readIdentities } from "../age/key-file.ts";
import type { SecretAnswer, SecretProvider, Variables } from "../provider.ts";
import { unreadable } from "./failures.ts";

/**
 * A file of the repository whose values are encrypted with age. Which names there are is seen without a key.
 * @param file absolute path
 * @param written the path for people
 */
export function ageFile(file: string, written: string, env: Variables): SecretProvider {
  const name = `age file ${written}`;
  const open = async (): Promise<AgeDocument> => {
    const text = await readFile(file, "utf8").catch((cause: unknown) => {
      throw unreadable(name, cause, "make it with `shiplock secrets init`, or take it out of the providers");
    });
    return parseAgeFile(text, written);
  };
  return {
    kind: "age",
    name,
    read: async (names) => {
      const { secrets } = await open();
      const there = names.flatMap((secret) => {
        const entry = Object.hasOwn(secrets, secret) ? secrets[secret] : undefined;
        return entry === undefined ? [] : [{ secret, entry }];
      });
      // Whoever asks for nothing that is here needs no key.
      if (there.length === 0) return new Map();
      const identities = await readIdentities(env);
      const answers = await Promise.all(
        there.map(async ({ secret, entry }): Promise<[string, SecretAnswer]> => {
          const value = await decryptValue(secret, entry.value, identities, written);
          return [secret, { kind: "value", value, updatedAt: new Date(entry.updatedAt) }];
        }),
      );
      return new Map(answers);
    },
    list: async () => {
      const { secrets } = await open();
      return new Map(
        Object.entries(secrets).map(([secret, { updatedAt }]) => [secret, { updatedAt: new Date(updatedAt) }]),
      );
    },
  };
}
