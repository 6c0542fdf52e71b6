import { readdir, readFile } from "node:fs/promises";
import { type Clock, waitFor } from "./clock.ts";

/** Variables that mark every process of something: words parted by blanks, one of them its own. */
export const markVariables = { check: "SHIPLOCK_CHECK", hook: "SHIPLOCK_HOOK" } as const;
export type Marked = keyof typeof markVariables;

const endTimeoutMs = 10_000;

/** The variable's value for a new process; what runs inside of another keeps the mark of the outer one. */
export function marked(mark: string, outer: string | undefined): string {
  return outer === undefined || outer === "" ? mark : `${outer} ${mark}`;
}

/**
 * Ends every process that has a mark for which `belongs` says so, also one that left its group and session, and waits until none is left. Only Linux shows which those are;
 * elsewhere nothing is ended.
 * @returns whether all of them are gone
 */
export async function endMarked(kind: Marked, belongs: (mark: string) => boolean, clock: Clock): Promise<boolean> {
  if (process.platform !== "linux") return true;
  let quiet = 0;
  const gone = await waitFor(clock, { timeoutMs: endTimeoutMs, intervalMs: 20 }, async () => {
    const found = await markedProcesses(markVariables[kind], belongs);
    for (const pid of found) kill(pid);
    // One that was being started while its parent ended shows at the second look.
    quiet = found.length === 0 ? quiet + 1 : 0;
    return quiet >= 2 ? true : null;
  });
  return gone === true;
}

/** Looks at the environment of each process, so that no number that was given anew is taken for another. */
async function markedProcesses(variable: string, belongs: (mark: string) => boolean): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      if (pid === process.pid) return null;
      // Another user's process cannot be looked at, and is none of ours.
      const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
      const value = environment.split("\0").find((entry) => entry.startsWith(`${variable}=`));
      const marks = value?.slice(variable.length + 1).split(" ") ?? [];
      return marks.some(belongs) ? pid : null;
    }),
  );
  return found.filter((pid) => pid !== null);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
