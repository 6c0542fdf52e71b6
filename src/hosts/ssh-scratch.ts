import { rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { makeScratch } from "../scratch.ts";

/** Folders for the sockets of connections: one each, readable by their user only, gone with the connection or the process. */
export type Scratch = {
  make(): Promise<string>;
  remove(folder: string): Promise<void>;
  /** For the moment of exit, when nothing can be awaited any more. */
  removeAllNow(): void;
};

/** `ssh` allows about 90 bytes for a control socket; the folder's name takes up to 40 of them. */
const LONGEST_BASE = 48;

/**
 * @param base folder for temporary files; `/tmp` instead if its path is too long for sockets
 */
export function createScratch(base: string = tmpdir()): Scratch {
  const parent = base.length > LONGEST_BASE ? "/tmp" : base;
  const made = new Set<string>();

  return {
    async make() {
      const folder = await makeScratch("", parent);
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
