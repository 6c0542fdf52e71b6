import { ShiplockError } from "../errors.ts";
import { blockBytes, numberIn, paxRecords, readTar, textIn } from "./tar.ts";

/** What stands in an archive. Paths are relative, parted by "/", without a "/" at the end; times are not kept. */
export type ArchiveEntry =
  | { kind: "file"; path: string; mode: number; size: number }
  | { kind: "folder"; path: string; mode: number }
  /** A symbolic link. */
  | { kind: "link"; path: string; target: string }
  /** The same file as an earlier entry. */
  | { kind: "hard-link"; path: string; target: string };

/** An entry to write, with the bytes of a file: `size` of them. */
export type ArchiveSource = ArchiveEntry & { body?: Uint8Array | AsyncIterable<Uint8Array> };

/** An entry that was read. Its body is skipped unless it is read before the next entry is asked for. */
export type ArchiveRead = ArchiveEntry & { body: AsyncIterable<Uint8Array> };

/** Seconds since the epoch, the same for all: equal files give equal bytes. Not zero, since a zip file cannot hold a time before 1980. */
const timeOfAll = 1_000_000_000;
/** Longer names and targets stand in a record of their own in front of their entry. */
const longestPlain = 99;
const typeOf = { file: "0", "hard-link": "1", link: "2", folder: "5" } as const satisfies Record<
  ArchiveEntry["kind"],
  string
>;

/**
 * A tar archive (POSIX, with extended headers for long names), streamed: owner root, and the same bytes for the same entries.
 * @throws ShiplockError `archive/changed` when a file has not as many bytes as its entry says
 */
export async function* writeArchive(
  entries: Iterable<ArchiveSource> | AsyncIterable<ArchiveSource>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const entry of entries) {
    const target = entry.kind === "link" || entry.kind === "hard-link" ? entry.target : "";
    const size = entry.kind === "file" ? entry.size : 0;
    const name = entry.kind === "folder" ? `${entry.path}/` : entry.path;
    const records = [
      ...(isPlain(name) ? [] : [paxRecord("path", name)]),
      ...(isPlain(target) ? [] : [paxRecord("linkpath", target)]),
      ...(size < 0o77777777777 ? [] : [paxRecord("size", String(size))]),
    ];
    if (records.length > 0) {
      const body = Buffer.from(records.join(""));
      yield headerOf({ name: "extended", mode: 0o644, size: body.length, type: "x", target: "" });
      yield padded(body);
    }
    const mode = entry.kind === "file" || entry.kind === "folder" ? entry.mode : 0o777;
    yield headerOf({ name, mode, size: Math.min(size, 0o77777777777), type: typeOf[entry.kind], target });
    if (size > 0) yield* bodyOf(entry, size);
  }
  yield Buffer.alloc(2 * blockBytes);
}

async function* bodyOf(entry: ArchiveSource, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  const source = entry.body instanceof Uint8Array ? [entry.body] : (entry.body ?? []);
  let written = 0;
  for await (const chunk of source) {
    written += chunk.length;
    if (written > size) break;
    yield chunk;
  }
  if (written !== size) {
    throw new ShiplockError({
      code: "archive/changed",
      message: `${entry.path} changed while it was read`,
      remedy: "run the command again when nothing writes to that file",
    });
  }
  if (size % blockBytes !== 0) yield Buffer.alloc(blockBytes - (size % blockBytes));
}

function isPlain(text: string): boolean {
  return Buffer.byteLength(text) <= longestPlain && /^[\x20-\x7e]*$/.test(text);
}

/** A record begins with its own length, whose digits count as well. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (String(length).length !== String(rest).length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

function headerOf(entry: { name: string; mode: number; size: number; type: string; target: string }): Buffer {
  const bytes = Buffer.alloc(blockBytes);
  bytes.write(cut(entry.name), 0, "latin1");
  bytes.write(`${octal(entry.mode & 0o7777, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100, "latin1");
  bytes.write(`${octal(entry.size, 11)}\0${octal(timeOfAll, 11)}\0        ${entry.type}`, 124, "latin1");
  bytes.write(cut(entry.target), 157, "latin1");
  bytes.write("ustar\u000000root", 257, "latin1");
  bytes.write("root", 297, "latin1");
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${octal(sum, 6)}\0 `, 148, "latin1");
  return bytes;
}

/** What a reader shows that does not know extended headers. */
function cut(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "_").slice(0, longestPlain);
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function padded(body: Buffer): Buffer {
  return Buffer.concat([body, Buffer.alloc((blockBytes - (body.length % blockBytes)) % blockBytes)]);
}

/**
 * The files of a tar archive as they come; devices and the like are left out.
 * @throws ShiplockError `archive/corrupt` for what is no archive or ends before its end
 */
export async function* readArchive(source: AsyncIterable<Uint8Array>): AsyncGenerator<ArchiveRead, void, undefined> {
  const parts = readTar(source);
  let next = await parts.next();

  /** What of a body is not read is skipped by whoever asks for the next entry. */
  async function nextOfBody(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (next.done === true || next.value.kind !== "content") return { done: true, value: undefined };
    const { bytes } = next.value;
    next = await parts.next();
    return { done: false, value: bytes };
  }

  try {
    while (next.done !== true) {
      const part = next.value;
      next = await parts.next();
      if (part.kind !== "entry") continue;
      const entry = entryOf(part.path, part.size, Buffer.from(part.bytes));
      if (entry === null) continue;
      yield { ...entry, body: { [Symbol.asyncIterator]: () => ({ next: nextOfBody }) } };
    }
  } finally {
    await parts.return();
  }
}

/** @param header with all that extends it; the last block is the entry's own */
function entryOf(path: string, size: number, header: Buffer): ArchiveEntry | null {
  const own = header.subarray(-blockBytes);
  const mode = numberIn(own.subarray(100, 108)) & 0o7777;
  const target = (): string => linkIn(header) ?? textIn(own.subarray(157, 257));
  switch (String.fromCharCode(own[156] ?? 0)) {
    case "0":
    case "\0":
    case "7":
      return { kind: "file", path, mode, size };
    case "1":
      return { kind: "hard-link", path, target: target() };
    case "2":
      return { kind: "link", path, target: target() };
    case "5":
      return { kind: "folder", path, mode };
    default:
      return null;
  }
}

/** The target of a link where it is too long for a header; null where it is not. */
function linkIn(header: Buffer): string | null {
  let target: string | null = null;
  for (let at = 0; at < header.length - blockBytes; ) {
    const size = numberIn(header.subarray(at + 124, at + 136));
    const content = header.subarray(at + blockBytes, at + blockBytes + size);
    const type = String.fromCharCode(header[at + 156] ?? 0);
    if (type === "K") target = textIn(content);
    if (type === "x") target = paxRecords(content).get("linkpath") ?? target;
    at += blockBytes + Math.ceil(size / blockBytes) * blockBytes;
  }
  return target;
}
