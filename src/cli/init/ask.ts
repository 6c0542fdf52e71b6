import { createInterface } from "node:readline/promises";
import { ShiplockError } from "../../errors.ts";

/** Whoever can be asked while a command runs. */
export type Ask = {
  /** A line of text; the standard for an empty one. */
  text(question: string, standard: string): Promise<string>;
  /** Yes or no; no for an empty answer. */
  yes(question: string): Promise<boolean>;
  close(): void;
};

type Terminal = {
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
  signal: AbortSignal;
  interrupt: () => void;
  /** The error for a terminal that is closed instead of an answer; that of `init` unless given. */
  unanswered?: (cause: unknown) => ShiplockError;
};

/**
 * Asks in the terminal.
 * @param terminal `interrupt` is called for Ctrl-C, which a terminal that edits lines keeps to itself; `signal` then ends the question
 * @throws ShiplockError `init/no-answer` when the terminal is closed instead of an answer (Ctrl-D)
 */
export function terminalAsk({ input, output, signal, interrupt, unanswered = noAnswer }: Terminal): Ask {
  const lines = createInterface({ input, output });
  lines.on("SIGINT", interrupt);
  const closed = new AbortController();
  lines.on("close", () => closed.abort());
  const question = async (text: string): Promise<string> => {
    try {
      return (await lines.question(text, { signal: AbortSignal.any([signal, closed.signal]) })).trim();
    } catch (cause) {
      if (signal.aborted) throw cause;
      throw unanswered(cause);
    }
  };
  return {
    text: async (asked, standard) => {
      const said = await question(`${asked}${standard === "" ? "" : ` (${standard})`}: `);
      return said === "" ? standard : said;
    },
    yes: async (asked) => /^y(es)?$/i.test(await question(`${asked} [y/N] `)),
    close: () => lines.close(),
  };
}

function noAnswer(cause: unknown): ShiplockError {
  return new ShiplockError({
    code: "init/no-answer",
    blame: "usage",
    message: "nothing was written: there was no answer to a question",
    remedy: "run it again; --yes asks nothing",
    cause,
  });
}
