import { constants } from "node:fs";
import { open, readdir, realpath } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { messageOf } from "../../errors.ts";
import type { ReportFiles } from "./read.ts";
import { reportBytesAtMost, unreadable } from "./unreadable.ts";

/**
 * The reports that lie in a folder of this machine. What a check wrote is not to be trusted: links that lead out of the folder, devices and pipes are refused, and no
 * more is read than a report may have.
 */
export function reportsIn(folder: string): ReportFiles {
  return {
    read: (path) => readInside(folder, path),
    async list() {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"));
    },
  };
}

async function readInside(folder: string, path: string): Promise<Uint8Array | null> {
  const root = await realpath(folder);
  try {
    const real = await realpath(join(root, path));
    if (!real.startsWith(`${root}${sep}`))
      throw unreadable(path, "it is a link to something outside the check's folder");
    // A pipe would wait for a writer.
    await using file = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    const stat = await file.stat();
    if (!stat.isFile()) throw unreadable(path, "it is no file");
    if (stat.size > reportBytesAtMost)
      throw unreadable(path, `it has ${stat.size} bytes, and ${reportBytesAtMost} are the most`);
    return await file.readFile();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    if (code === "check/report-unreadable") throw error;
    throw unreadable(path, messageOf(error), error);
  }
}
