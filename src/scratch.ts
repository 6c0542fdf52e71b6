import { readlinkSync } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

/** How the names of this process's folders begin. Pids mean something only in their namespace; containers may share the folder for temporary files. */
function prefixOf(pid: number): string {
  return `shiplock-${pidNamespace()}-${pid}-`;
}

function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch {
    return "0";
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/**
 * Makes a folder that only this user can read (mode 0700), for as long as a part of a command takes; who makes it removes it. Folders of processes that were killed are
 * removed on the way, since they may hold logins and sources.
 * @param kind what it is for, as a part of its name; "" for the shortest name
 * @param parent folder for temporary files
 */
export async function makeScratch(kind: string, parent: string = tmpdir()): Promise<string> {
  // What cannot be swept is another's matter, and no reason to stop.
  await sweepScratch(parent).catch(() => undefined);
  return mkdtemp(join(parent, `${prefixOf(process.pid)}${kind === "" ? "" : `${kind}-`}`));
}

/** Whether a path is that of such a folder, by its name. */
export function isScratch(path: string): boolean {
  return /^shiplock-\d+-\d+-/.test(basename(path));
}

/** Removes what processes of this user left in a folder for temporary files when they were killed. */
async function sweepScratch(parent: string): Promise<void> {
  const stale = new RegExp(`^${prefixOf(0).replace(/0-$/, "(\\d+)-")}`);
  for (const name of await readdir(parent)) {
    const pid = Number(stale.exec(name)?.[1] ?? process.pid);
    if (isAlive(pid)) continue;
    const folder = join(parent, name);
    const found = await stat(folder).catch(() => null);
    if (found?.uid === process.getuid?.()) await rm(folder, { recursive: true, force: true });
  }
}
