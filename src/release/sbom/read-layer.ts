import { Readable, type Transform, pipeline } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { type TarPart, readTar } from "../../hosts/tar.ts";
import {
  FILE_BYTES,
  type FileKind,
  fileKindOf,
  mayReplaceFolder,
  readPackageFile,
  type Told,
} from "./package-files.ts";

/** What one layer says about packages, and what it takes away from the layers below. */
export type LayerContents = {
  /** By path in the image. */
  files: ReadonlyMap<string, Told>;
  /** Paths that are gone with all below them: whiteouts, and what is no folder any more. */
  gone: ReadonlySet<string>;
  /** Folders whose content of the layers below is gone. */
  emptied: ReadonlySet<string>;
  unread: number;
};

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/**
 * Reads a layer as it comes: holds the file that is being read, and what the files tell.
 * @param content the layer, as a tar archive, also compressed with gzip or zstd
 * @returns null when it is no layer (a manifest or configuration of the archive)
 * @throws ShiplockError `archive/corrupt`, and the errors of the decompression
 */
export async function readLayer(content: AsyncIterable<Uint8Array>): Promise<LayerContents | null> {
  const { first, all } = await peek(content);
  if (first.subarray(0, 2).equals(GZIP)) return readPlain(through(all, createGunzip()));
  if (first.subarray(0, 4).equals(ZSTD)) return readPlain(through(all, createZstdDecompress()));
  const isTar = first.length >= 512 && (first.subarray(257, 262).toString("latin1") === "ustar" || isEmptyTar(first));
  return isTar ? readPlain(all) : null;
}

async function readPlain(layer: AsyncIterable<Uint8Array>): Promise<LayerContents> {
  const files = new Map<string, Told>();
  const gone = new Set<string>();
  const emptied = new Set<string>();
  let unread = 0;
  let open: { path: string; kind: FileKind; chunks: Uint8Array[] } | null = null;

  function close(): void {
    if (open === null) return;
    files.set(open.path, readPackageFile(open.kind, Buffer.concat(open.chunks).toString("utf8")));
    open = null;
  }

  function begin(part: Extract<TarPart, { kind: "entry" }>): void {
    const path = part.path.replace(/^\/+/, "");
    const slash = path.lastIndexOf("/");
    const base = path.slice(slash + 1);
    if (base === OPAQUE) return void emptied.add(path.slice(0, Math.max(0, slash)));
    if (base.startsWith(WHITEOUT)) return void gone.add(path.slice(0, slash + 1) + base.slice(WHITEOUT.length));
    const { type, link } = headerOf(part.bytes);
    if (type === "folder") return;
    const kind = fileKindOf(path);
    if (type === "link" && kind !== null) {
      const same = files.get(link);
      if (same !== undefined) files.set(path, same);
      else unread += 1;
    }
    if (type !== "file" || mayReplaceFolder(path)) gone.add(path);
    if (type !== "file" || kind === null) return;
    if (part.size > FILE_BYTES[kind]) unread += 1;
    else open = { path, kind, chunks: [] };
  }

  for await (const part of readTar(layer)) {
    if (part.kind === "content") (open as { chunks: Uint8Array[] } | null)?.chunks.push(part.bytes);
    if (part.kind !== "entry") continue;
    close();
    begin(part);
  }
  close();
  return { files, gone, emptied, unread };
}

/** Type and target of an entry, from its last header: those before it only extend it. */
function headerOf(headers: Uint8Array): { type: "file" | "folder" | "link" | "other"; link: string } {
  const header = Buffer.from(headers.buffer, headers.byteOffset + headers.byteLength - 512, 512);
  const flag = String.fromCharCode(header[156] ?? 0);
  const end = header.indexOf(0, 157);
  const link = header.subarray(157, Math.min(end === -1 ? 257 : end, 257)).toString("utf8");
  if (flag === "0" || flag === "\0" || flag === "7") return { type: "file", link: "" };
  if (flag === "5") return { type: "folder", link: "" };
  if (flag === "1") return { type: "link", link: link.replace(/^(?:\.?\/)+/, "") };
  return { type: "other", link: "" };
}

/** A layer that changes nothing is the end of an archive and nothing else. */
function isEmptyTar(first: Buffer): boolean {
  return first.subarray(0, 512).every((byte) => byte === 0);
}

/** The beginning of a stream (a block, unless it is shorter), and the stream as a whole. */
async function peek(source: AsyncIterable<Uint8Array>): Promise<{ first: Buffer; all: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const held: Uint8Array[] = [];
  let size = 0;
  while (size < 512) {
    const next = await iterator.next();
    if (next.done === true) break;
    held.push(next.value);
    size += next.value.length;
  }
  async function* all(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* held;
    yield* { [Symbol.asyncIterator]: () => iterator };
  }
  return { first: Buffer.concat(held), all: all() };
}

function through(source: AsyncIterable<Uint8Array>, change: Transform): AsyncIterable<Uint8Array> {
  // Whoever reads the end of the pipe hears of every error in it.
  return pipeline(Readable.from(source), change, () => undefined) as AsyncIterable<Uint8Array>;
}
