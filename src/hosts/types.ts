import type { Engine } from "./engine.ts";

/**
 * Where a host is reached.
 *
 * `ssh`: `destination` is anything the system's `ssh` takes (`user@name`, an alias of `~/.ssh/config`); `sshConfig` is another
 * configuration file for it (`ssh -F`). `root` is the only folder below which `removeTree` works, relative to the home of the SSH
 * user; ".shiplock" unless given.
 *
 * `local`: this machine. `engineSocket` is the path of the engine's Unix socket; `root` stands for the home: relative paths
 * start there, and only below it `removeTree` works.
 */
export type HostAddress =
  | { kind: "ssh"; destination: string; name: string; sshConfig?: string; root?: string }
  | { kind: "local"; name: string; engineSocket: string; root: string };

export type ConnectOptions = {
  /** Ends the attempt; the promise then rejects with `host/cancelled`. Has no effect once connected. */
  signal?: AbortSignal;
  /** Milliseconds for the whole of connecting: name, TCP, host key, login, agent, SFTP. */
  connectTimeoutMs: number;
};

/**
 * Makes the one connection to a host that a deployment uses for everything.
 *
 * May be called for many hosts at once; two connections to one host are independent sessions. A failed `connect` leaves nothing
 * behind, here or on the host, and may be repeated at once. It rejects with a ShiplockError whose code is one of
 * `ssh/client-missing`, `ssh/host-key`, `ssh/auth`, `ssh/unreachable`, `ssh/sftp-missing`, `ssh/config`, `host/agent-failed`,
 * `host/cancelled`. A host without an engine, or one whose engine is out of reach, connects: the first call to `engine` then says
 * which of `engine/socket-missing`, `engine/permission`, `engine/unreachable`, `ssh/forwarding-refused` it is.
 */
export type Connector = { connect(address: HostAddress, options: ConnectOptions): Promise<Host> };

export type HostFacts = {
  uid: number;
  gid: number;
  /** Absolute path that relative paths start at. */
  home: string;
  hostname: string;
  /** Path of the engine's Unix socket on the host, whether or not it is there. */
  engineSocket: string;
};

/**
 * One open connection to a host. Everything may be called at any time and concurrently until `close` or loss.
 *
 * After a loss every pending and every later call rejects with `host/lost`. A call that was rejected so may or may not have taken
 * effect; it cannot take effect any more once a later lease on the same folder has been granted, because granting ends the session
 * through which it travelled.
 */
export type Host = {
  readonly name: string;
  readonly facts: HostFacts;
  readonly engine: Engine;
  readonly files: HostFiles;
  /**
   * Path of a local Unix socket that leads to the Unix socket `remotePath` (absolute, or relative to the home) of the host. Cached per
   * target; repeatable. It resolves when the local end listens: whether the far end answers, only a request shows. The path ends
   * to work when the connection does.
   */
  forwardSocket(remotePath: string): Promise<string>;
  /** The same for a TCP port as seen from the host. */
  forwardTcp(hostname: string, port: number): Promise<string>;
  /**
   * Takes the lease of one environment folder on this connection, at once or not at all: it never waits for an owner that is alive. See
   * LeaseAnswer. At most five leases on one connection. Rejects with `host/flock-missing`, `host/lease-failed` or `host/lost`.
   */
  lease(request: LeaseRequest): Promise<LeaseAnswer>;
  /** Looks at the lease of a folder without taking or changing anything. */
  inspectLease(folder: string): Promise<LeaseState>;
  /** Resolves, never rejects, when the connection or one of its leases is gone, `close` included. */
  readonly lost: Promise<HostLost>;
  /**
   * Ends the session on the host and removes what was made here (sockets, folder). Repeatable. It does not release a lease that is
   * still held: the lock is free as soon as the host has noticed, but the next owner is told whom it took over from. Release first.
   */
  close(): Promise<void>;
};

/**
 * `closed`: by `close()`. `connection`: the connection ended, from whichever side. `lease`: the host answered a heartbeat with
 * a newer fence, or the folder is gone. `heartbeat`: the host did not answer one in time.
 */
export type HostLost = { reason: "closed" | "connection" | "lease" | "heartbeat"; message: string };

export type LeaseRequest = {
  /** Folder of the environment, absolute or relative to the home; made if it is missing. */
  folder: string;
  owner: LeaseOwner;
  /** Milliseconds after the last heartbeat at which others may take over; at least 300. Heartbeats are sent every third of it. */
  ttlMs: number;
};

export type LeaseOwner = {
  deployment: string;
  who: string;
  /** Host name and process of the owner. */
  from: string;
  /** ISO 8601 */
  since: string;
  command: string;
};

/**
 * `granted`: exclusive until `release`, loss or take-over. `fence` is higher than that of every earlier owner of this folder.
 * `tookOver` is the owner before, if it did not release; its session on the host was ended before the fence was raised, so none of
 * its requests can still arrive. Heartbeats are sent by themselves; a stopped process (SIGSTOP) thereby stops beating. `beat` sends one now
 * and rejects with `host/lost` if the lease is gone. `release` gives the lock free and forgets the owner; repeatable; call it only
 * when every effect has been answered.
 *
 * `held`: the owner is alive. `heartbeatAgeMs` by the host's own clock. `expired` is only true when the holder is this very
 * session or process, which is never taken over.
 *
 * `stuck`: the lease has expired, but its owner's session could not be ended (another user's, or the kernel does not let it go). A
 * person has to end it; `reason` says which process.
 */
export type LeaseAnswer =
  | { kind: "granted"; fence: number; tookOver?: LeaseOwner; beat(): Promise<void>; release(): Promise<void> }
  | { kind: "held"; owner: LeaseOwner; heartbeatAgeMs: number; expired: boolean }
  | { kind: "stuck"; owner: LeaseOwner | null; reason: string };

/** `free` names the last owner if that one went without releasing. */
export type LeaseState =
  | { kind: "free"; fence: number; abandonedBy?: LeaseOwner }
  | { kind: "held"; fence: number; owner: LeaseOwner | null; heartbeatAgeMs: number; expired: boolean };

export type FileKind = "file" | "directory" | "symlink" | "other";
export type FileStat = { kind: FileKind; size: number; mode: number; uid: number; gid: number; mtimeMs: number };
export type Entry = { name: string } & FileStat;

/**
 * Files of a host. Relative paths start at the home. Calls may run concurrently; those on the same path should be awaited in order.
 * Everything may be repeated except `append` and `createExclusive`, whose failure with `host/lost` or `host/timeout` leaves open
 * whether it happened. Errors: `host/file-missing` (also a missing parent), `host/permission-denied`, `host/no-space`,
 * `host/exists`, `host/file-failed`, `host/timeout`, `host/lost`. Nothing resolves because a connection ended.
 */
export type HostFiles = {
  /** The content, or null if there is no such file. */
  read(path: string): Promise<Uint8Array | null>;
  /**
   * Replaces the file as a whole: whoever reads sees the old content or the new one, also after a failure. With `sync` (the default) the
   * content is on the disk before the name points to it. `mode` is set exactly; 0644 unless given. With `folders`, those that are missing on the
   * way are made with that mode, as by `mkdirs`.
   */
  write(
    path: string,
    data: Uint8Array | string,
    options?: { mode?: number; sync?: boolean; folders?: number },
  ): Promise<void>;
  /**
   * Adds to the end and makes the file if it is missing (0644). One write: appends through one connection keep their order and do not mix.
   * The file is kept open, so that the second append costs one round trip; who else replaces the file meanwhile loses what is appended.
   */
  append(path: string, data: Uint8Array | string, options: { sync: boolean }): Promise<void>;
  /**
   * Makes the file with its whole, synced content; false if there is already something of that name. Exactly one of many wins. `folders` as with `write`.
   * The name does not appear before `after` has resolved, and not at all if that rejects: the content is brought meanwhile.
   */
  createExclusive(
    path: string,
    data: Uint8Array | string,
    options?: { folders?: number; after?: Promise<unknown> },
  ): Promise<boolean>;
  /** Makes the folder and the missing ones above it, with `mode` under the host's umask. Existing ones keep their mode. */
  mkdirs(path: string, mode?: number): Promise<void>;
  /** What is in a folder, sorted by name, without "." and ".."; null if there is no such folder. */
  list(path: string): Promise<Entry[] | null>;
  /** Follows symlinks; null if there is nothing. */
  stat(path: string): Promise<FileStat | null>;
  lstat(path: string): Promise<FileStat | null>;
  /** Where a symlink points; null if there is none, or it is something else. */
  readlink(path: string): Promise<string | null>;
  /** Points the symlink `path` at `target` in one step, whatever it pointed at before. */
  symlinkAtomic(target: string, path: string): Promise<void>;
  /** Makes many symlinks in one or two round trips. One that is already as wanted is fine; another thing of that name is `host/exists`. */
  symlinks(entries: readonly { path: string; target: string }[]): Promise<void>;
  /** Removes a file or symlink; a missing one is fine. */
  remove(path: string): Promise<void>;
  /**
   * Removes a folder with all it holds, symlinks as such; a missing one is fine. Rejects with `host/outside-root` unless the path lies
   * below the root of the address, the way to it resolved.
   */
  removeTree(path: string): Promise<void>;
  /** Renames, replacing what is there. */
  rename(from: string, to: string): Promise<void>;
  /**
   * Bytes that somebody who is not root may still write on the file system of `path`. What is at `path` need not be readable, but it must be there
   * (`host/file-missing`), and the folders above it must let the user through (`host/permission-denied`).
   */
  freeBytes(path: string): Promise<number>;
};
