import type { FileKind, FileStat } from "./types.ts";

// The packets of SFTP version 3 (draft-ietf-secsh-filexfer-02) with OpenSSH's extensions (its PROTOCOL file).

export const TYPE = {
  init: 1,
  version: 2,
  open: 3,
  close: 4,
  read: 5,
  write: 6,
  lstat: 7,
  fsetstat: 10,
  opendir: 11,
  readdir: 12,
  remove: 13,
  mkdir: 14,
  rmdir: 15,
  realpath: 16,
  stat: 17,
  readlink: 19,
  symlink: 20,
  status: 101,
  handle: 102,
  data: 103,
  name: 104,
  attributes: 105,
  extended: 200,
  extendedReply: 201,
} as const;

export const OPEN_FLAG = { read: 1, write: 2, append: 4, create: 8, truncate: 16, exclusive: 32 } as const;

export const STATUS = { ok: 0, endOfFile: 1, noSuchFile: 2, permissionDenied: 3, failure: 4, badMessage: 5 } as const;

const HAS_SIZE = 1;
const HAS_OWNER = 2;
const HAS_MODE = 4;
const HAS_TIMES = 8;

export type Field = number | string | Buffer | { uint64: number };

/** Fields one after the other: a number as uint32, text and bytes with their length before them. */
export function encode(fields: readonly Field[]): Buffer {
  const parts: Buffer[] = [];
  for (const field of fields) {
    if (typeof field === "number") {
      parts.push(uint32(field));
    } else if (typeof field === "object" && "uint64" in field) {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64BE(BigInt(field.uint64));
      parts.push(bytes);
    } else {
      const bytes = typeof field === "string" ? Buffer.from(field, "utf8") : field;
      parts.push(uint32(bytes.length), bytes);
    }
  }
  return Buffer.concat(parts);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A whole packet: length, type, id, fields. `init` carries its version in the place of the id. */
export function packet(type: number, id: number, fields: readonly Field[]): Buffer {
  const body = encode(fields);
  const head = Buffer.alloc(9);
  head.writeUInt32BE(body.length + 5, 0);
  head.writeUInt8(type, 4);
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, body]);
}

/** The attributes of a new file or folder: its mode alone. */
export function modeAttributes(mode: number): Field[] {
  return [HAS_MODE, mode];
}

/** Reads the fields of a packet in their order. */
export type Reader = {
  uint32(): number;
  uint64(): number;
  bytes(): Buffer;
  text(): string;
  stat(): FileStat;
  rest(): number;
};

export function readerOf(buffer: Buffer): Reader {
  let at = 0;
  const uint = () => {
    at += 4;
    return buffer.readUInt32BE(at - 4);
  };
  const long = () => {
    at += 8;
    return Number(buffer.readBigUInt64BE(at - 8));
  };
  const bytes = () => {
    const length = uint();
    at += length;
    return buffer.subarray(at - length, at);
  };
  function stat(): FileStat {
    const flags = uint();
    const size = flags & HAS_SIZE ? long() : 0;
    const [uid, gid] = flags & HAS_OWNER ? [uint(), uint()] : [0, 0];
    const mode = flags & HAS_MODE ? uint() : 0;
    const [, modified] = flags & HAS_TIMES ? [uint(), uint()] : [0, 0];
    return { kind: kindOf(mode), size, mode: mode & 0o7777, uid, gid, mtimeMs: modified * 1000 };
  }
  return {
    uint32: uint,
    uint64: long,
    bytes,
    text: () => bytes().toString("utf8"),
    stat,
    rest: () => buffer.length - at,
  };
}

function kindOf(mode: number): FileKind {
  const format = mode & 0o170000;
  if (format === 0o100000) return "file";
  if (format === 0o040000) return "directory";
  return format === 0o120000 ? "symlink" : "other";
}
