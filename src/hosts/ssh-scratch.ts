import { readlinkSync, rmSync } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Folders for the sockets of connections: one each, readable by their user only, gone with the connection or the process. */
export type Scratch = {
  make(): Promise<string>;
  remove(folder: string): Promise<void>;
  /** For the moment of exit, when nothing can be awaited any more. */
  removeAllNow(): void;
};

/** `ssh` allows about 90 bytes for a control socket; the folder's name takes up to 40 of them. */
const LONGEST_BASE = 48;

/** Pids mean something only in their namespace; containers may share the folder for temporary files. */
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
 * @param base folder for temporary files; `/tmp` instead if its path is too long for sockets
 */
export function createScratch(base: string = tmpdir()): Scratch {
  const parent = base.length > LONGEST_BASE ? "/tmp" : base;
  const space = pidNamespace();
  const made = new Set<string>();
  let swept: Promise<void> | undefined;

  /** Removes what processes left that were killed. */
  async function sweep(): Promise<void> {
    const stale = new RegExp(`^shiplock-${space}-(\\d+)-`);
    for (const name of await readdir(parent)) {
      const pid = Number(stale.exec(name)?.[1] ?? process.pid);
      if (isAlive(pid)) continue;
      const folder = join(parent, name);
      const found = await stat(folder).catch(() => null);
      if (found?.uid === process.getuid?.()) await rm(folder, { recursive: true, force: true });
    }
  }

  return {
    async make() {
      // What cannot be swept is another's matter, and no reason not to connect.
      swept ??= sweep().catch(() => undefined);
      const folder = await mkdtemp(join(parent, `shiplock-${space}-${process.pid}-`));
      made.add(folder);
      return folder;
    },
    async remove(folder) {
      await rm(folder, { recursive: true, force: true });
      made.delete(folder);
    },
    removeAllNow() {
      for (const folder of made) rmSync(folder, { recursive: true, force: true });
      made.clear();
    },
  };
}
