import { messageOf, ShiplockError } from "../../errors.ts";
import { isFull } from "../stored-files.ts";

/**
 * Writes what a run has to note before it makes anything: without it nobody would find what a killed run left, so none is begun.
 * @throws {ShiplockError} check/no-room or check/state-folder, when the folder takes nothing
 */
export async function noteInStateFolder<Result>(folder: string, write: () => Promise<Result>): Promise<Result> {
  try {
    return await write();
  } catch (cause) {
    const full = isFull(cause);
    throw new ShiplockError({
      code: full ? "check/no-room" : "check/state-folder",
      message: full
        ? "there is no room to note that checks run, so none was started"
        : `it could not be noted that checks run, so none was started: ${messageOf(cause)}`,
      where: folder,
      remedy: `${full ? "make room on this disk" : "make the folder one that can be written"}, or set SHIPLOCK_LEDGER to a file elsewhere: the folder lies beside it`,
      cause,
    });
  }
}
