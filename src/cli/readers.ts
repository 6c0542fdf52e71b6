import type { EventEmitter } from "node:events";

/** A pipe whose reader closed its end (`| head`), and a terminal that is gone. */
const gone: ReadonlySet<string> = new Set(["EPIPE", "EIO"]);

/**
 * A command whose output nobody reads any more ends: that is no error of ours. One that is changing something goes on to its end without readers: it must not stop in the
 * middle because of them.
 * @param exit ends the process
 */
export function heedReaders(
  streams: readonly Pick<EventEmitter, "on">[],
  exit: (code: number) => void,
): { goOnWithout(): void } {
  let goesOn = false;
  for (const stream of streams) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (!gone.has(error.code ?? "")) throw error;
      if (!goesOn) exit(0);
    });
  }
  return {
    goOnWithout() {
      goesOn = true;
    },
  };
}
