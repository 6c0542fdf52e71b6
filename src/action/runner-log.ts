import type { Stream } from "../cli/output.ts";
import { type CommandProperties, maskedLines, withoutCommands, workflowCommand } from "./runner-text.ts";

/** The log of a step. */
export type RunnerLog = {
  /** For text of any origin: none of it is taken for a command. */
  readonly text: Stream;
  command(name: string, properties: CommandProperties, data: string): void;
  /** The following lines belong to a group of this title, until the next one begins or it is ended. A group that is open already goes on. */
  group(title: string | null): void;
  /** Values that the runner shall not let anybody read. Each is told once. */
  mask(values: readonly string[]): void;
};

/** @param out the step's standard output, which the runner reads line by line */
export function createRunnerLog(out: Pick<Stream, "write">): RunnerLog {
  const masked = new Set<string>();
  let open: string | null = null;

  function write(text: string): void {
    if (text !== "") out.write(text);
  }

  function command(name: string, properties: CommandProperties, data: string): void {
    write(workflowCommand(name, properties, data));
  }

  return {
    text: {
      write: (text) => {
        const safe = withoutCommands(text);
        // Whole lines alone, so that no command begins in one piece of text and ends in the next.
        write(safe === "" || /[\r\n]$/.test(safe) ? safe : `${safe}\n`);
      },
    },
    command,
    group(title) {
      if (title === open) return;
      if (open !== null) command("endgroup", {}, "");
      open = title;
      if (title !== null) command("group", {}, title);
    },
    mask(values) {
      for (const line of values.flatMap(maskedLines)) {
        if (masked.has(line)) continue;
        masked.add(line);
        command("add-mask", {}, line);
      }
    },
  };
}
