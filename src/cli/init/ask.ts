import { createInterface } from "node:readline/promises";

/** Whoever can be asked while a command runs. */
export type Ask = {
  /** A line of text; the standard for an empty one. */
  text(question: string, standard: string): Promise<string>;
  /** Yes or no; no for an empty answer. */
  yes(question: string): Promise<boolean>;
  close(): void;
};

/** Asks in the terminal. Ctrl-C ends the question by the signal's reason. */
export function terminalAsk(input: NodeJS.ReadStream, output: NodeJS.WriteStream, signal: AbortSignal): Ask {
  const lines = createInterface({ input, output });
  const interrupt = new AbortController();
  const either = AbortSignal.any([signal, interrupt.signal]);
  // In a terminal the line editor takes Ctrl-C and Ctrl-D before the process hears of them.
  lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  lines.on("close", () => interrupt.abort(new Error("the terminal was closed")));
  const question = async (text: string): Promise<string> => (await lines.question(text, { signal: either })).trim();
  return {
    text: async (asked, standard) => {
      const said = await question(`${asked}${standard === "" ? "" : ` (${standard})`}: `);
      return said === "" ? standard : said;
    },
    yes: async (asked) => /^y(es)?$/i.test(await question(`${asked} [y/N] `)),
    close: () => lines.close(),
  };
}
