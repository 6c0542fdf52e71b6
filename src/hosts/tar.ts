import { ShiplockError } from "../errors.ts";

/** What a tar archive is made of, in its order; all `bytes` together are the archive again. */
export type TarPart =
  | {
      /** The beginning of an entry; `bytes` are its header with what extends it. */
      kind: "entry";
      /** Without a leading "./" or a trailing "/". */
      path: string;
      /** Of its content, in bytes. */
      size: number;
      bytes: Uint8Array;
    }
  | { kind: "content"; bytes: Uint8Array }
  | { kind: "padding"; bytes: Uint8Array }
  | { kind: "end"; bytes: Uint8Array };

export const blockBytes = 512;

/** Headers that extend the next one hold names, not content. */
const mostExtension = 1024 * 1024;

/**
 * Takes a tar archive (ustar, with the extensions of pax and GNU) apart as it comes. Holds a block and what the source gives at once, never an entry.
 * @throws ShiplockError `archive/corrupt` for a header that is none, and for an archive that ends too early
 */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarPart, void, undefined> {
  const input = readExactly(source);
  try {
    for (;;) {
      const { header, path, size } = await readHeader(input);
      if (header === null) break;
      yield { kind: "entry", path, size, bytes: header };
      for (let left = size; left > 0; ) {
        const bytes = await input.some(left);
        left -= bytes.length;
        yield { kind: "content", bytes };
      }
      const padding = (blockBytes - (size % blockBytes)) % blockBytes;
      if (padding > 0) yield { kind: "padding", bytes: await input.take(padding) };
    }
    yield { kind: "end", bytes: new Uint8Array(blockBytes) };
    for (;;) {
      const bytes = await input.rest();
      if (bytes === null) return;
      if (bytes.some((byte) => byte !== 0)) throw corrupt("something follows its end");
      yield { kind: "end", bytes };
    }
  } finally {
    await input.close();
  }
}

type Header = { header: Buffer; path: string; size: number } | { header: null; path: ""; size: 0 };

/** The next header with the headers that extend it; null at the end of the archive. */
async function readHeader(input: ExactReader): Promise<Header> {
  const blocks: Buffer[] = [];
  let path: string | null = null;
  let size: number | null = null;
  for (;;) {
    const block = await input.take(blockBytes);
    if (block.every((byte) => byte === 0)) {
      if (blocks.length > 0) throw corrupt("it ends after a header that extends another one");
      return { header: null, path: "", size: 0 };
    }
    checkSum(block);
    blocks.push(block);
    const type = String.fromCharCode(block[156] ?? 0);
    const stated = numberIn(block.subarray(124, 136));
    if (!isExtension(type)) {
      const own = size ?? (hasContent(type) ? stated : 0);
      return { header: Buffer.concat(blocks), path: tidied(path ?? nameIn(block)), size: own };
    }
    if (stated > mostExtension) throw corrupt("a header that extends another one is too long");
    const whole = await input.take(Math.ceil(stated / blockBytes) * blockBytes);
    blocks.push(whole);
    const content = whole.subarray(0, stated);
    if (type === "L") path = textIn(content);
    if (type === "x") {
      const records = paxRecords(content);
      path = records.get("path") ?? path;
      const written = records.get("size");
      if (written !== undefined) size = decimal(written);
    }
  }
}

/** Long names and links of GNU, extended headers of pax, and those for all that follow, which name nothing. */
function isExtension(type: string): boolean {
  return ["L", "K", "x", "g"].includes(type);
}

/** Links, folders and devices have a size of nothing, whatever is written. */
function hasContent(type: string): boolean {
  return !["1", "2", "3", "4", "5", "6"].includes(type);
}

function nameIn(block: Buffer): string {
  const name = textIn(block.subarray(0, 100));
  const isUstar = block.subarray(257, 263).toString("latin1") === "ustar\0";
  const prefix = isUstar ? textIn(block.subarray(345, 500)) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

function tidied(path: string): string {
  return path.replace(/^(?:\.\/)+/, "").replace(/\/+$/, "");
}

/** Text up to its zero. */
export function textIn(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.subarray(0, end === -1 ? bytes.length : end).toString("utf8");
}

/** Octal digits, or, for what these cannot hold, a number of many bytes whose first has its highest bit set. */
export function numberIn(field: Buffer): number {
  const first = field[0] ?? 0;
  if (first >= 0x80) {
    const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, first & 0x7f);
    if (!Number.isSafeInteger(value)) throw corrupt("a size is beyond all measure");
    return value;
  }
  const text = textIn(field).trim();
  if (!/^[0-7]*$/.test(text)) throw corrupt("a number in a header is none");
  return text === "" ? 0 : Number.parseInt(text, 8);
}

function decimal(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw corrupt("a size in a header is none");
  return value;
}

/** Records of an extended header: `<length> <key>=<value>\n`, where the length counts the record as a whole. */
export function paxRecords(content: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < content.length && content[at] !== 0; ) {
    const space = content.indexOf(" ", at);
    const length = space === -1 ? Number.NaN : decimal(content.subarray(at, space).toString("latin1"));
    const record = content.subarray(space + 1, at + length - 1).toString("utf8");
    const equals = record.indexOf("=");
    if (Number.isNaN(length) || at + length > content.length || content[at + length - 1] !== 0x0a || equals === -1)
      throw corrupt("an extended header is none");
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

/** The sum of all bytes of a header, its own field taken for spaces; old programs added signed bytes. */
function checkSum(block: Buffer): void {
  const stated = numberIn(block.subarray(148, 156));
  let [unsigned, signed] = [0, 0];
  for (const [index, byte] of block.entries()) {
    const counted = index >= 148 && index < 156 ? 0x20 : byte;
    unsigned += counted;
    signed += counted > 127 ? counted - 256 : counted;
  }
  if (stated !== unsigned && stated !== signed) throw corrupt("the sum of a header is wrong");
}

type ExactReader = {
  /** Exactly so many bytes. */
  take(count: number): Promise<Buffer>;
  /** At least one byte, at most so many. */
  some(most: number): Promise<Buffer>;
  /** Whatever there is next; null at the end of the source. */
  rest(): Promise<Buffer | null>;
  close(): Promise<void>;
};

function readExactly(source: AsyncIterable<Uint8Array>): ExactReader {
  const iterator = source[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);

  async function rest(): Promise<Buffer | null> {
    while (held.length === 0) {
      const next = await iterator.next();
      if (next.done === true) return null;
      held = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    const all = held;
    held = Buffer.alloc(0);
    return all;
  }

  async function some(most: number): Promise<Buffer> {
    const all = await rest();
    if (all === null) throw corrupt("it ends too early");
    held = all.subarray(most);
    return all.subarray(0, most);
  }

  return {
    rest,
    some,
    async take(count) {
      const pieces: Buffer[] = [];
      for (let left = count; left > 0; ) {
        const piece = await some(left);
        left -= piece.length;
        pieces.push(piece);
      }
      return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
    },
    async close() {
      await iterator.return?.();
    },
  };
}

function corrupt(how: string): ShiplockError {
  return new ShiplockError({
    code: "archive/corrupt",
    message: `the archive is not whole: ${how}`,
    remedy: "run the command again; if it stays so, look at the log of the engine that the image comes from",
  });
}
