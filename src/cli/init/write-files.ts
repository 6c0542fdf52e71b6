import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ShiplockError } from "../../errors.ts";

/** The text of a file of the project; undefined where there is none. */
export async function existingText(folder: string, path: string): Promise<string | undefined> {
  try {
    return await readFile(join(folder, path), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cannot("read", path, error);
  }
}

/**
 * Puts a file into its place as a whole: whoever looks, and whatever interrupts it, there is the old one or the new one. A file that is
 * there keeps its rights.
 * @throws ShiplockError `init/cannot-write`
 */
export async function writeWhole(folder: string, path: string, text: string): Promise<void> {
  const target = join(folder, path);
  const temporary = join(dirname(target), `.shiplock-${randomUUID()}`);
  try {
    await mkdir(dirname(target), { recursive: true });
    const file = await open(temporary, "wx", await modeOf(target));
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw cannot("write", path, error);
  }
}

async function modeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).mode & 0o777;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return 0o644;
    throw error;
  }
}

function cannot(what: "read" | "write", path: string, cause: unknown): ShiplockError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new ShiplockError({
    code: `init/cannot-${what}`,
    blame: "usage",
    message: `${path} cannot be ${what === "read" ? "read" : "written"}: ${code}`,
    remedy: "check that you may do so and that the disk has room, and run init again: it goes on where it was",
    cause,
  });
}
