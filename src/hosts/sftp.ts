import type { Readable, Writable } from "node:stream";
import { ShiplockError } from "../errors.ts";
import { timeoutError } from "./host-errors.ts";
import { type Field, packet, type Reader, readerOf, STATUS, TYPE } from "./sftp-wire.ts";
import type { FileStat } from "./types.ts";

export type Handle = Buffer;

/** A status that is not success: `code` as in STATUS. */
export class SftpStatusError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.name = "SftpStatusError";
    this.code = code;
  }
}

type Answer = { type: number; reader: Reader };
type Pending = { resolve(answer: Answer): void; reject(error: Error): void; timer: NodeJS.Timeout };

/**
 * Requests to one SFTP server. Every call writes its packet at once and may be made without awaiting the one before: the server works
 * them off in order, so a row of calls costs one round trip. Rejects with SftpStatusError, or ShiplockError `host/timeout`, or what `fail` was given.
 */
export type Sftp = {
  /** Resolves when the server has answered and has the extensions needed; rejects with `ssh/sftp-missing` otherwise. */
  readonly ready: Promise<void>;
  open(path: string, flags: number, attributes?: readonly Field[]): Promise<Handle>;
  close(handle: Handle): Promise<void>;
  /** Null at the end of the file. May return less than asked for. */
  read(handle: Handle, offset: number, length: number): Promise<Buffer | null>;
  write(handle: Handle, offset: number, data: Buffer): Promise<void>;
  sync(handle: Handle): Promise<void>;
  setMode(handle: Handle, attributes: readonly Field[]): Promise<void>;
  stat(path: string): Promise<FileStat>;
  lstat(path: string): Promise<FileStat>;
  openFolder(path: string): Promise<Handle>;
  /** Null when all has been read. */
  readFolder(handle: Handle): Promise<({ name: string } & FileStat)[] | null>;
  remove(path: string): Promise<void>;
  makeFolder(path: string, attributes: readonly Field[]): Promise<void>;
  removeFolder(path: string): Promise<void>;
  realPath(path: string): Promise<string>;
  readLink(path: string): Promise<string>;
  symlink(target: string, path: string): Promise<void>;
  hardLink(existing: string, path: string): Promise<void>;
  /** Replaces what is there. */
  rename(from: string, to: string): Promise<void>;
  /** Bytes that this user may still write on the file system of `path`. */
  freeBytes(path: string): Promise<number>;
  fail(error: Error): void;
};

const NEEDED_EXTENSIONS = ["posix-rename@openssh.com", "hardlink@openssh.com", "fsync@openssh.com"] as const;

/**
 * Speaks SFTP version 3 over the two streams, beginning at once.
 *
 * @param host name of the host, for errors
 * @param timeoutMs for each request
 */
export function createSftp(host: string, toServer: Writable, fromServer: Readable, timeoutMs: number): Sftp {
  const pending = new Map<number, Pending>();
  const { promise: ready, resolve: greet, reject: refuse } = Promise.withResolvers<void>();
  let received: Buffer = Buffer.alloc(0);
  let failure: Error | undefined;
  let lastId = 0;
  ready.catch(() => undefined);
  toServer.on("error", () => undefined);

  function fail(error: Error): void {
    failure ??= error;
    refuse(failure);
    for (const waiting of pending.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(failure);
    }
    pending.clear();
  }

  function onPacket(body: Buffer): void {
    const type = body.readUInt8(0);
    const reader = readerOf(body.subarray(1));
    if (type === TYPE.version) return greetWith(reader);
    const id = reader.uint32();
    const waiting = pending.get(id);
    if (waiting === undefined) return;
    pending.delete(id);
    clearTimeout(waiting.timer);
    waiting.resolve({ type, reader });
  }

  function greetWith(reader: Reader): void {
    const version = reader.uint32();
    const offered = new Set<string>();
    while (reader.rest() > 0) {
      offered.add(reader.text());
      reader.bytes();
    }
    const missing = NEEDED_EXTENSIONS.filter((name) => !offered.has(name));
    if (version === 3 && missing.length === 0) return greet();
    fail(sftpUnfit(host, `version ${version}, without ${missing.join(", ") || "nothing"}`));
  }

  fromServer.on("data", (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    while (received.length >= 4) {
      const end = 4 + received.readUInt32BE(0);
      if (received.length < end) return;
      const body = received.subarray(4, end);
      received = received.subarray(end);
      onPacket(body);
    }
  });
  toServer.write(packet(TYPE.init, 3, []));

  function ask(type: number, fields: readonly Field[]): Promise<Answer> {
    if (failure !== undefined) return Promise.reject(failure);
    lastId = (lastId + 1) % 0xffffffff;
    const id = lastId;
    return new Promise((resolve, reject) => {
      const onTimeout = () => {
        pending.delete(id);
        reject(timeoutError(host, "A file request", timeoutMs));
      };
      pending.set(id, { resolve, reject, timer: setTimeout(onTimeout, timeoutMs) });
      toServer.write(packet(type, id, fields));
    });
  }

  async function askFor(expected: number, type: number, fields: readonly Field[]): Promise<Reader> {
    const answer = await ask(type, fields);
    if (answer.type === expected) {
      if (expected === TYPE.status) throwUnlessOk(answer.reader);
      return answer.reader;
    }
    if (answer.type === TYPE.status) throwUnlessOk(answer.reader);
    throw new SftpStatusError(STATUS.failure, `unexpected answer of type ${answer.type}`);
  }

  async function act(type: number, fields: readonly Field[]): Promise<void> {
    await askFor(TYPE.status, type, fields);
  }

  async function orEnd<T>(answer: Promise<T>): Promise<T | null> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof SftpStatusError && error.code === STATUS.endOfFile) return null;
      throw error;
    }
  }

  return {
    ready,
    fail,
    open: async (path, flags, attributes = [0]) =>
      (await askFor(TYPE.handle, TYPE.open, [path, flags, ...attributes])).bytes(),
    close: (handle) => act(TYPE.close, [handle]),
    read: (handle, offset, length) =>
      orEnd(askFor(TYPE.data, TYPE.read, [handle, { uint64: offset }, length]).then((reader) => reader.bytes())),
    write: (handle, offset, data) => act(TYPE.write, [handle, { uint64: offset }, data]),
    sync: (handle) => act(TYPE.extended, ["fsync@openssh.com", handle]),
    setMode: (handle, attributes) => act(TYPE.fsetstat, [handle, ...attributes]),
    stat: async (path) => (await askFor(TYPE.attributes, TYPE.stat, [path])).stat(),
    lstat: async (path) => (await askFor(TYPE.attributes, TYPE.lstat, [path])).stat(),
    openFolder: async (path) => (await askFor(TYPE.handle, TYPE.opendir, [path])).bytes(),
    readFolder: (handle) => orEnd(askFor(TYPE.name, TYPE.readdir, [handle]).then(readNames)),
    remove: (path) => act(TYPE.remove, [path]),
    makeFolder: (path, attributes) => act(TYPE.mkdir, [path, ...attributes]),
    removeFolder: (path) => act(TYPE.rmdir, [path]),
    realPath: async (path) => firstName(await askFor(TYPE.name, TYPE.realpath, [path])),
    readLink: async (path) => firstName(await askFor(TYPE.name, TYPE.readlink, [path])),
    // OpenSSH takes the target first, against the draft.
    symlink: (target, path) => act(TYPE.symlink, [target, path]),
    hardLink: (existing, path) => act(TYPE.extended, ["hardlink@openssh.com", existing, path]),
    rename: (from, to) => act(TYPE.extended, ["posix-rename@openssh.com", from, to]),
    async freeBytes(path) {
      const reader = await askFor(TYPE.extendedReply, TYPE.extended, ["statvfs@openssh.com", path]);
      reader.uint64();
      const fragment = reader.uint64();
      reader.uint64();
      reader.uint64();
      return fragment * reader.uint64();
    },
  };
}

function throwUnlessOk(reader: Reader): void {
  const code = reader.uint32();
  if (code !== STATUS.ok) throw new SftpStatusError(code, reader.rest() > 0 ? reader.text() : `status ${code}`);
}

function readNames(reader: Reader): ({ name: string } & FileStat)[] {
  const count = reader.uint32();
  return Array.from({ length: count }, () => {
    const name = reader.text();
    // The long name is a line of `ls -l`, meant for people.
    reader.bytes();
    return { name, ...reader.stat() };
  });
}

function firstName(reader: Reader): string {
  reader.uint32();
  return reader.text();
}

function sftpUnfit(host: string, found: string): ShiplockError {
  return new ShiplockError({
    code: "ssh/sftp-missing",
    message: `The SFTP server of ${host} cannot do what Shiplock needs (${found})`,
    where: host,
    remedy: "Use OpenSSH's own sftp-server there (`Subsystem sftp internal-sftp` in sshd_config).",
  });
}
