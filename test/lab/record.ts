import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ShiplockError } from "../../src/errors.ts";
import type { ProcessMark } from "./process.ts";

/** What a host (or the runner) was started with; another wish means another start. */
export type SshdWish = { streamForwarding: boolean; lines: readonly string[] };

export type BoxRecord = {
  name: string;
  kind: "host" | "runner";
  address: string;
  /** The process that waits for the box's first process, and that first process: the box ends with it. */
  outer?: ProcessMark;
  init?: ProcessMark;
  engine?: ProcessMark;
  sshd?: ProcessMark;
  /** The veth's end in the root namespace; its other end is `eth0` in the box and ends with it. */
  veth: string;
  diskLimitBytes?: number;
  /** The engine keeps its images in containerd; in a store of its own otherwise. */
  containerdStore?: boolean;
  sshdWish: SshdWish;
  /** Fault tools that run for this box. */
  delay?: { milliseconds: number; process: ProcessMark; port: number };
};

/** An iptables rule as it was inserted, without the leading `-I`/`-D`; `table` is a table's name. */
export type FirewallRule = { table: string; chain: string; rule: readonly string[] };

/** Everything a lab started, written before it is started where possible, so that it can be torn down after any crash. */
export type LabRecord = {
  version: 1;
  name: string;
  /** Which run of the tests started it (SHIPLOCK_TEST_RUN), so that this run alone clears it away. */
  run?: string;
  subnet: number;
  bridge?: string;
  firewall: FirewallRule[];
  /** Value of net.ipv4.ip_forward before the lab switched it on. */
  forwardingBefore?: string;
  cgroup: string;
  registry?: ProcessMark;
  boxes: BoxRecord[];
};

/** The folder all labs lie under: SHIPLOCK_LAB_DIR, or one in /var/tmp (Unix socket paths have to stay short). */
export function labRoot(env: NodeJS.ProcessEnv = process.env): string {
  return env["SHIPLOCK_LAB_DIR"] ?? "/var/tmp/shiplock-lab";
}

/** The folders and files of one lab. */
export function labPaths(name: string, root: string = labRoot()) {
  const base = join(root, name);
  return {
    root,
    base,
    record: join(base, "lab.json"),
    lock: join(root, `${name}.lock`),
    logs: join(base, "logs"),
    ssh: join(base, "ssh"),
    sshConfig: join(base, "ssh", "config"),
    registry: join(base, "registry"),
    boxes: join(base, "boxes"),
    box: (box: string) => join(base, "boxes", box),
    boxRoot: (box: string) => join(base, "boxes", box, "root"),
    log: (part: string) => join(base, "logs", `${part}.log`),
  };
}

export type LabPaths = ReturnType<typeof labPaths>;

/** Reads a lab's record; undefined when the lab has never been started. */
export function readRecord(paths: LabPaths): LabRecord | undefined {
  let text: string;
  try {
    text = readFileSync(paths.record, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const record = JSON.parse(text) as LabRecord;
  if (record.version === 1) return record;
  throw new ShiplockError({
    code: "lab-record",
    message: `${paths.record} was written by another version of the lab`,
    remedy: "Restart the machine (or end what the file names by hand) and delete the folder.",
  });
}

/** Writes a lab's record, whole or not at all. */
export function writeRecord(paths: LabPaths, record: LabRecord): void {
  mkdirSync(paths.base, { recursive: true, mode: 0o755 });
  const temporary = `${paths.record}.new`;
  writeFileSync(temporary, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, paths.record);
}

/** The records of all labs on this machine. */
export function allRecords(root: string = labRoot()): LabRecord[] {
  let names: string[];
  try {
    names = readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return names.map((name) => readRecord(labPaths(name, root))).filter((record) => record !== undefined);
}

/**
 * Runs `work` while no other process changes what the lock file stands for. The lock is the kernel's (flock), held by a
 * small child that ends with this process, so a crash leaves none. Throws when another holds it for longer than `timeoutMs`.
 */
export async function withLock<T>(lockFile: string, timeoutMs: number, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(lockFile), { recursive: true, mode: 0o755 });
  const seconds = String(Math.ceil(timeoutMs / 1000));
  const holder = spawn("flock", ["--wait", seconds, lockFile, "sh", "-c", "echo held; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = Promise.withResolvers<void>();
  const held = Promise.withResolvers<boolean>();
  holder.stdout.once("data", () => held.resolve(true));
  holder.once("error", (error) => held.reject(error));
  holder.once("close", () => {
    held.resolve(false);
    ended.resolve();
  });
  if (!(await held.promise)) {
    throw new ShiplockError({
      code: "lab-locked",
      message: "another process is starting or stopping this lab",
      remedy: "Wait until it is done, or end it.",
      where: lockFile,
    });
  }
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await ended.promise;
  }
}
