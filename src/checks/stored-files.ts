import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ShiplockError } from "../errors.ts";

/** A file of an entry, as it has to be found again. */
export type StoredFile = { readonly bytes: number; readonly sha256: string };

/** The checksum of a text that is about to be written. */
export function hashOf(text: string): StoredFile {
  return { bytes: Buffer.byteLength(text), sha256: createHash("sha256").update(text).digest("hex") };
}

/** Copies a file and computes its checksum on the way: what counts is what was written. The file at `to` must not exist. */
export async function copyHashed(from: string, to: string): Promise<StoredFile> {
  const hash = createHash("sha256");
  let bytes = 0;
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.byteLength;
      done(null, chunk);
    },
  });
  await pipeline(createReadStream(from), counting, createWriteStream(to, { flags: "wx" }));
  return { bytes, sha256: hash.digest("hex") };
}

/**
 * The text of a small file whose checksum fits.
 * @throws Error that says what does not fit
 */
export async function readChecked(path: string, name: string, expected: StoredFile): Promise<string> {
  await requireSize(path, name, expected);
  const text = await readFile(path, "utf8");
  if (hashOf(text).sha256 !== expected.sha256) throw otherContent(name);
  return text;
}

/**
 * Looks through a file of any size.
 * @throws Error that says what does not fit
 */
export async function requireChecked(path: string, name: string, expected: StoredFile): Promise<void> {
  await requireSize(path, name, expected);
  if ((await hashFile(path)) !== expected.sha256) throw otherContent(name);
}

/** SHA-256 of a file of any size, in hexadecimal: what a check's artifacts are called in the keys of those that need it. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** Bytes of the files in a folder; those that vanish meanwhile do not count. */
export async function sizeOf(folder: string): Promise<number> {
  const files = await readdir(folder).catch(orNone);
  const sizes = await Promise.all(files.map(async (name) => (await stat(join(folder, name)).catch(orNull))?.size ?? 0));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** For what may be gone: null instead of the error that says so. */
export function orNull(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
}

/** For folders that may be gone: nothing in them. */
export function orNone(error: unknown): string[] {
  if (isMissing(error)) return [];
  throw error;
}

/** Whether a rename failed because its goal is taken. */
export function isTaken(error: unknown): boolean {
  return ["EEXIST", "ENOTEMPTY"].includes(codeOf(error));
}

/** Whether something could not be written for want of room. */
export function isFull(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT"].includes(codeOf(error));
}

/** Why a result was not kept. The check passed all the same, so this is a warning to whoever asked. */
export function notKept(folder: string, cause: unknown): ShiplockError {
  if (isFull(cause)) {
    return new ShiplockError({
      code: "check/cache-full",
      message: "there is no room to keep the result of the check, so it will run again",
      where: folder,
      remedy: "make room on this disk",
      cause,
    });
  }
  return new ShiplockError({
    code: "check/cache-failed",
    message: `the result of the check could not be kept, so it will run again: ${cause instanceof Error ? cause.message : String(cause)}`,
    where: folder,
    remedy: "make the folder one that can be written, or remove it: everything in it can be made again",
    cause,
  });
}

async function requireSize(path: string, name: string, expected: StoredFile): Promise<void> {
  const found = await stat(path).catch(orNull);
  if (found === null) throw new Error(`${name} is missing`);
  if (found.size !== expected.bytes) throw new Error(`${name} has ${found.size} bytes instead of ${expected.bytes}`);
}

function otherContent(name: string): Error {
  return new Error(`${name} does not fit its checksum`);
}

function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? "";
}
