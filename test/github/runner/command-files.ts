import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The files by which a step tells its runner something; new ones for every step. */
export type CommandFiles = {
  readonly env: Readonly<Record<string, string>>;
  /** What the step wrote into them. */
  read(): {
    outputs: Record<string, string>;
    variables: Record<string, string>;
    state: Record<string, string>;
    paths: string[];
    summary: string;
  };
};

const names = ["GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_STATE", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"] as const;

/** GitHub shows no longer summary of a step. */
const mostSummaryBytes = 1024 * 1024;

export function createCommandFiles(folder: string): CommandFiles {
  mkdirSync(folder, { recursive: true });
  const env = Object.fromEntries(names.map((name) => [name, join(folder, name.toLowerCase())]));
  for (const path of Object.values(env)) writeFileSync(path, "");
  const textOf = (name: (typeof names)[number]): string => {
    const path = env[name] ?? "";
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  };
  return {
    env,
    read: () => {
      const summary = textOf("GITHUB_STEP_SUMMARY");
      if (Buffer.byteLength(summary) > mostSummaryBytes) throw new Error("a step wrote a summary of more than 1 MiB");
      return {
        outputs: pairsOf(textOf("GITHUB_OUTPUT")),
        variables: pairsOf(textOf("GITHUB_ENV")),
        state: pairsOf(textOf("GITHUB_STATE")),
        paths: textOf("GITHUB_PATH")
          .split("\n")
          .filter((line) => line !== ""),
        summary,
      };
    },
  };
}

/**
 * `name=value` lines, and `name<<END` with lines up to `END`.
 * @throws Error where GitHub's runner would fail the step
 */
export function pairsOf(text: string): Record<string, string> {
  const pairs: Record<string, string> = {};
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? "";
    if (line === "") continue;
    const equals = line.indexOf("=");
    const heredoc = line.indexOf("<<");
    if (heredoc > 0 && (equals < 0 || heredoc < equals)) {
      const end = line.slice(heredoc + 2);
      const until = lines.indexOf(end, at + 1);
      if (end === "" || until < 0) throw new Error(`a value has no end: ${line}`);
      pairs[line.slice(0, heredoc)] = lines.slice(at + 1, until).join("\n");
      at = until;
      continue;
    }
    if (equals <= 0) throw new Error(`neither "name=value" nor "name<<END": ${line}`);
    pairs[line.slice(0, equals)] = line.slice(equals + 1);
  }
  return pairs;
}
