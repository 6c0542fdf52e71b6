import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";

/** What was looked through, and nothing was found in it. */
export type Clean = { readonly trees: readonly string[]; readonly files: ReadonlySet<string> };

/** Remembers what need not be looked through again. What cannot be read or belongs to other rules is nothing; of two writers the last one counts, and costs the other's next scan its time. */
export type KnownClean = {
  read(rulesVersion: string): Promise<Clean>;
  /** Takes the place of what was there. A memory that cannot be written is told and stops nothing. */
  write(clean: { rulesVersion: string; trees: readonly string[]; files: readonly string[] }): Promise<void>;
};

const mostTrees = 50;
const nothing: Clean = { trees: [], files: new Set() };
const shape = z.object({ rulesVersion: z.string(), trees: z.array(z.string()), files: z.array(z.string()) });

/** In a file of this machine. */
export function openKnownClean(path: string, onUnwritten: (error: unknown) => void): KnownClean {
  return {
    async read(rulesVersion) {
      const found = shape.safeParse(jsonOf(await readFile(path, "utf8").catch(() => "")));
      if (!found.success || found.data.rulesVersion !== rulesVersion) return nothing;
      return { trees: found.data.trees, files: new Set(found.data.files) };
    },
    async write({ trees, ...rest }) {
      const unfinished = `${path}.${randomUUID()}`;
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        const document = { ...rest, trees: [...new Set(trees)].slice(0, mostTrees) };
        await writeFile(unfinished, JSON.stringify(document), { mode: 0o600 });
        await rename(unfinished, path);
      } catch (error) {
        await rm(unfinished, { force: true }).catch(() => undefined);
        onUnwritten(error);
      }
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
