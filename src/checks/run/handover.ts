import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { messageOf, ShiplockError } from "../../errors.ts";
import { copyHashed, isFull, orNull, requireChecked } from "../stored-files.ts";
import { type Artifacts, folderName } from "./artifacts.ts";

/** What a result that is handed over has to be of, so that it says something about the run that takes it. */
export type HandedFor = {
  /** Full hash. */
  readonly commit: string;
  /** "commit", or the hash of the working tree that was checked instead. */
  readonly source: string;
  /** Hash of the definitions of all checks. */
  readonly definitions: string;
};

/** That a job passed, and what it made. */
export type Handed = { readonly artifacts: Artifacts | null };

/**
 * A folder by which jobs of one commit hand their results to each other where each runs on a machine of its own: whoever moves the folder from one to the next sees to it that it comes
 * from there. Each job has a folder in it. Several programs may write at the same time; a result appears whole or not at all.
 */
export type Handover = {
  /**
   * What a job left; null where it left nothing.
   * @throws Error that says why what lies there is of no use
   */
  take(job: string): Promise<Handed | null>;
  /**
   * Leaves the result of a job that passed, in place of an earlier one.
   * @throws ShiplockError `check/handover`
   */
  leave(job: string, artifacts: Artifacts | null): Promise<void>;
};

const names = { result: "result.json", artifacts: "artifacts.tar" } as const;

const written = z.object({
  version: z.literal(1),
  job: z.string(),
  commit: z.string(),
  source: z.string(),
  definitions: z.string(),
  artifacts: z.object({ bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) }).nullable(),
});

/** @param folder need not exist yet */
export function openHandover(folder: string, { commit, source, definitions }: HandedFor): Handover {
  return {
    async take(job) {
      const place = join(folder, folderName(job));
      const text = await readFile(join(place, names.result), "utf8").catch(orNull);
      if (text === null) return null;
      const read = written.safeParse(jsonOf(text));
      if (!read.success || read.data.job !== job) throw new Error("it cannot be read");
      const { artifacts, ...of } = read.data;
      if (of.commit !== commit || of.source !== source) throw new Error(`it is of ${of.commit.slice(0, 7)}`);
      if (of.definitions !== definitions) throw new Error("it is of other definitions of the checks");
      if (artifacts === null) return { artifacts: null };
      const tar = join(place, names.artifacts);
      await requireChecked(tar, names.artifacts, artifacts);
      return { artifacts: { tar, hash: artifacts.sha256 } };
    },

    async leave(job, artifacts) {
      const place = join(folder, folderName(job));
      const fresh = `${place}.new`;
      try {
        await rm(fresh, { recursive: true, force: true });
        await mkdir(fresh, { recursive: true });
        const file = artifacts === null ? null : await copyHashed(artifacts.tar, join(fresh, names.artifacts));
        const result: z.infer<typeof written> = { version: 1, job, commit, source, definitions, artifacts: file };
        await writeFile(join(fresh, names.result), `${JSON.stringify(result, null, 2)}\n`);
        await rm(place, { recursive: true, force: true });
        await rename(fresh, place);
      } catch (cause) {
        throw notLeft(dirname(place), cause);
      }
    },
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function notLeft(folder: string, cause: unknown): ShiplockError {
  return new ShiplockError({
    code: "check/handover",
    message: `the result could not be handed over: ${isFull(cause) ? "there is no room" : messageOf(cause)}`,
    where: folder,
    remedy: "name a folder with --hand-over that can be written and has room",
    cause,
  });
}
