import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ShiplockError } from "../../errors.ts";
import { decryptValue, encryptValue } from "./crypto.ts";
import { type AgeDocument, type AgeEntry, ageFileText, parseAgeFile } from "./document.ts";

/** An age file on disk: absolute path, and the path for people. */
export type AgePlace = { readonly file: string; readonly written: string };

/** What a file says, with its text, by which a change by somebody else is seen. */
export type OpenedAgeFile = { readonly document: AgeDocument; readonly text: string };

/** Null where there is no such file. */
export async function openAgeFile({ file, written }: AgePlace): Promise<OpenedAgeFile | null> {
  try {
    const text = await readFile(file, "utf8");
    return { document: parseAgeFile(text, written), text };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw cause;
  }
}

/** A write takes milliseconds: what marks one for longer than this was left by a command that was killed. */
const longestWriteMs = 30_000;

/**
 * Writes a file in one step: a reader sees the old one or the new one. Of two who write at once, one wins, and the other is told.
 * @param before its text when it was opened; null for a new file
 * @throws ShiplockError `secrets/age-file` when it was changed since, or is being changed
 */
export async function saveAgeFile(place: AgePlace, document: AgeDocument, before: string | null): Promise<void> {
  const { file } = place;
  await mkdir(dirname(file), { recursive: true });
  const lock = `${file}.lock`;
  await takeLock(lock, place);
  const making = `${file}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    const now = (await openAgeFile(place))?.text ?? null;
    if (now !== before) throw changedMeanwhile(place);
    await writeFile(making, ageFileText(document), { flag: "wx", flush: true });
    await rename(making, file);
  } finally {
    await rm(making, { force: true });
    await rm(lock, { force: true });
  }
}

/** Between the look at what is there and the new file's taking its place, nobody else may write. */
async function takeLock(lock: string, place: AgePlace): Promise<void> {
  for (const last of [false, true]) {
    try {
      await writeFile(lock, "", { flag: "wx" });
      return;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
      const found = await stat(lock).catch(() => null);
      if (last || (found !== null && Date.now() - found.mtimeMs < longestWriteMs)) throw changedMeanwhile(place);
      await rm(lock, { force: true });
    }
  }
}

function changedMeanwhile({ written }: AgePlace): ShiplockError {
  return new ShiplockError({
    code: "secrets/age-file",
    blame: "gate",
    message: `${written} was changed by somebody else meanwhile, and was left as it is`,
    remedy: "run the command again",
  });
}

/** The document with a value for a name, encrypted for its recipients. */
export async function withSecret(
  document: AgeDocument,
  name: string,
  value: string,
  by: string,
  now: Date,
): Promise<AgeDocument> {
  const recipients = Object.values(document.recipients);
  const entry: AgeEntry = { updatedAt: now.toISOString(), by, value: await encryptValue(name, value, recipients) };
  return { ...document, secrets: { ...document.secrets, [name]: entry } };
}

/** Every value of a document, by name. Throws like `decryptValue`. */
export async function valuesOf(
  { secrets }: AgeDocument,
  identities: readonly string[],
  written: string,
): Promise<ReadonlyMap<string, string>> {
  const values = await Promise.all(
    Object.entries(secrets).map(
      async ([name, { value }]) => [name, await decryptValue(name, value, identities, written)] as const,
    ),
  );
  return new Map(values);
}

/** The document with every value encrypted anew, for the recipients that it names now. Times stay: the values are the same. */
export async function encryptedAnew(
  document: AgeDocument,
  identities: readonly string[],
  written: string,
): Promise<AgeDocument> {
  const recipients = Object.values(document.recipients);
  const values = await valuesOf(document, identities, written);
  const secrets = await Promise.all(
    Object.entries(document.secrets).map(async ([name, entry]) => {
      return [name, { ...entry, value: await encryptValue(name, values.get(name) ?? "", recipients) }] as const;
    }),
  );
  return { ...document, secrets: Object.fromEntries(secrets) };
}
