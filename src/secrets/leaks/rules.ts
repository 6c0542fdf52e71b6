import { extname } from "node:path";
import type { Leak } from "./types.ts";

/** What the rules find in a text. */
export type Rules = {
  find(file: string, text: string): Promise<Leak[]>;
};

const preset = "@secretlint/secretlint-rule-preset-recommend";
const prefix = "@secretlint/secretlint-rule-";

/** The recommended rules of secretlint, loaded when they are needed. They know what keys, tokens and logins of many services look like, and heed its comments (`secretlint-disable-line`). */
export async function secretlintRules(): Promise<Rules> {
  const [{ lintSource }, { creator }] = await Promise.all([
    import("@secretlint/core"),
    import("@secretlint/secretlint-rule-preset-recommend"),
  ]);
  return {
    async find(file, text) {
      const { messages } = await lintSource({
        source: { filePath: file, content: text, ext: extname(file), contentType: "text" },
        options: {
          config: { rules: [{ id: preset, rule: creator }] },
          maskSecrets: true,
          noPhysicFilePath: true,
        },
      });
      return messages.map(({ loc, ruleId, message, range }) => ({
        file,
        line: loc.start.line,
        column: loc.start.column + 1,
        rule: ruleId.replace(prefix, ""),
        what: wordsOf(message, text.slice(...range)),
      }));
    },
  };
}

/** "found AWS Secret Access Key: ****" without the place of the value, and without the value should a rule not have masked it. */
function wordsOf(message: string, value: string): string {
  const [words = ""] = message.replaceAll(value, "").split(/\(\*+\)|:|\*{3,}/);
  return words.replace(/^found /, "").trim();
}
