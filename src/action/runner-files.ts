import { appendFileSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { fileCommand } from "./runner-text.ts";

/** Files by which a step speaks with the runner; a runner that has none of a kind hears nothing of it. */
export type RunnerFiles = {
  output(name: string, value: string): Promise<void>;
  /** Kept for the step's own end (`post`), whatever becomes of this process after the call. The last value of a name counts. */
  state(name: string, value: string): void;
  /** Markdown that the run's page shows. */
  summary(markdown: string): Promise<void>;
};

/** @param unguessable a text that nobody else knows, anew for each value */
export function createRunnerFiles(
  env: Readonly<Record<string, string | undefined>>,
  unguessable: () => string,
): RunnerFiles {
  const into = async (variable: string, text: string): Promise<void> => {
    const path = env[variable] ?? "";
    if (path !== "") await appendFile(path, text);
  };
  return {
    output: (name, value) => into("GITHUB_OUTPUT", fileCommand(name, value, unguessable())),
    state(name, value) {
      const path = env["GITHUB_STATE"] ?? "";
      if (path !== "") appendFileSync(path, fileCommand(name, value, unguessable()));
    },
    summary: (markdown) => into("GITHUB_STEP_SUMMARY", markdown),
  };
}
