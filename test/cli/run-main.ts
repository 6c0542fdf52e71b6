import { Writable } from "node:stream";
import { main, type MainOptions } from "../../src/cli/main.ts";

/** What a command line said, and its exit code. */
export type Said = { exit: number; stdout: string; stderr: string };

type Run = Pick<MainOptions, "argv" | "cwd" | "env"> & {
  /** Interrupts the command; nobody does unless given. */
  interrupt?: AbortController;
  /** Hears each time what one of the streams holds by then. */
  onOutput?: (text: string) => void;
};

/** Runs a command line in this process, as `shiplock ARGV` would. */
export async function runMain({ interrupt = new AbortController(), onOutput, ...given }: Run): Promise<Said> {
  const said = { stdout: "", stderr: "" };
  const into = (name: "stdout" | "stderr"): NodeJS.WriteStream =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        said[name] += chunk.toString();
        onOutput?.(said[name]);
        done();
      },
    }) as unknown as NodeJS.WriteStream;
  const streams = { stdout: into("stdout"), stderr: into("stderr") };
  const exit = await main({ ...given, ...streams, signal: interrupt.signal, version: "0" });
  return { exit, ...said };
}
