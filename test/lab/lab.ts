import { mkdirSync, rmSync } from "node:fs";
import { ShiplockError } from "../../src/errors.ts";
import { startBox } from "./box.ts";
import { engineAnswers, socketOf, startEngine } from "./engine.ts";
import { type FaultTools, faultTools } from "./faults.ts";
import { type LabHost, labHost } from "./host.ts";
import { freeSubnet, hostAddressOf, raiseNetwork, runnerAddressOf } from "./network.ts";
import { ensurePrerequisites } from "./prerequisites.ts";
import { inParallel, isAlive, run } from "./process.ts";
import {
  allRecords,
  type BoxRecord,
  type LabPaths,
  type LabRecord,
  labPaths,
  labRoot,
  readRecord,
  type SshdWish,
  withLock,
  writeRecord,
} from "./record.ts";
import { type RegistryAccess, registryAccess, registryStatus, startRegistryOf } from "./registry.ts";
import { ensureLabKey, sshAnswers, startSshd, writeSshConfig } from "./ssh.ts";
import { hasAnything, tearDown } from "./teardown.ts";

export type HostWish = {
  name: string;
  /** Room for /home and /var/lib/docker together, on a file system of its own, so that a full disk can be had. */
  diskLimitBytes?: number;
  sshd?: {
    streamForwarding?: boolean /** Lines of sshd_config, in front of the lab's own. */;
    lines?: readonly string[];
  };
};

export type LabOptions = {
  /** How many hosts (`host-1` …), their names, or each with its peculiarities. */
  hosts: number | readonly (string | HostWish)[];
  /** Labs with different names run side by side; letters, digits and dashes, at most 20. "default" unless told. */
  name?: string;
  root?: string;
  log?: (line: string) => void;
};

export type Lab = FaultTools & {
  name: string;
  hosts: LabHost[];
  /** The host with this name; an error when the lab has none. */
  host: (name: string) => LabHost;
  /** `ssh -F <this> host-1`: entries for all hosts, the lab's key, pinned host keys, strict checking. */
  sshConfigPath: string;
  registry: RegistryAccess;
  /** Socket of the engine of the deploying side (builds); it reaches the registry and the outside. */
  runnerSocket: string;
  /** Ends the lab; images, volumes and keys stay for the next start. */
  stop: () => Promise<void>;
};

const ENGINES_AT_ONCE = 2;
const START_DEADLINE_MS = 10 * 60_000;

/**
 * Brings up hosts, a runner and a registry on this machine, or finds them up already: a healthy lab of that name with the
 * same hosts is used as it is; anything else of that name, also what a crash left, is torn down first. Needs root on
 * Linux; throws a ShiplockError that says what is missing.
 */
export async function startLab(options: LabOptions): Promise<Lab> {
  const log = options.log ?? (() => {});
  const name = options.name ?? "default";
  if (!/^[a-z0-9][a-z0-9-]{0,19}$/.test(name)) {
    throw new ShiplockError({ code: "lab-name", message: `"${name}" is no name for a lab`, blame: "usage" });
  }
  const paths = labPaths(name, options.root ?? labRoot());
  const wishes = wishesOf(options.hosts);
  await withLock(`${paths.root}/prerequisites.lock`, START_DEADLINE_MS, () =>
    ensurePrerequisites({ log, root: paths.root }),
  );
  return await withLock(paths.lock, START_DEADLINE_MS, async () => {
    const earlier = readRecord(paths);
    if (earlier !== undefined && hasAnything(earlier)) {
      if (isAsWished(earlier, wishes) && (await isHealthy(paths, earlier))) {
        log(`lab "${name}" is up already`);
        return labOf(paths, earlier);
      }
      log(`lab "${name}" is not as it should be: stopping what is left of it`);
      await tearDown(paths, earlier, log);
    }
    const testRun = process.env["SHIPLOCK_TEST_RUN"];
    const record: LabRecord = {
      version: 1,
      name,
      ...(testRun === undefined ? {} : { run: testRun }),
      subnet: earlier?.subnet ?? -1,
      firewall: [],
      cgroup: `shiplock-lab-${name}`,
      boxes: [],
    };
    try {
      await raise(paths, record, wishes, log);
    } catch (error) {
      log("the start failed: stopping what was started");
      await tearDown(paths, record, log);
      throw error;
    }
    return labOf(paths, record);
  });
}

/** Ends the lab of that name, and with `purge` also deletes its folder (images, volumes, keys). False when none was up. */
export async function stopLab(options: {
  name?: string;
  root?: string;
  purge?: boolean;
  log?: (line: string) => void;
}): Promise<boolean> {
  const paths = labPaths(options.name ?? "default", options.root ?? labRoot());
  return await withLock(paths.lock, START_DEADLINE_MS, async () => {
    const record = readRecord(paths);
    const up = record !== undefined && hasAnything(record);
    if (up) await tearDown(paths, record, options.log ?? (() => {}));
    if (options.purge === true) rmSync(paths.base, { recursive: true, force: true });
    return up;
  });
}

/** The lab of that name if it is up, as somebody else started it; undefined otherwise. */
export function findLab(options: { name?: string; root?: string }): Lab | undefined {
  const paths = labPaths(options.name ?? "default", options.root ?? labRoot());
  const record = readRecord(paths);
  return record === undefined || record.boxes.length === 0 ? undefined : labOf(paths, record);
}

function wishesOf(hosts: LabOptions["hosts"]): HostWish[] {
  const wishes =
    typeof hosts === "number"
      ? Array.from({ length: hosts }, (_, index) => ({ name: `host-${index + 1}` }))
      : hosts.map((host) => (typeof host === "string" ? { name: host } : host));
  const names = new Set(wishes.map((wish) => wish.name));
  const wrong = wishes.find((wish) => !/^[a-z][a-z0-9-]{0,19}$/.test(wish.name) || wish.name === "runner");
  if (wrong === undefined && names.size === wishes.length && wishes.length <= 200) return wishes;
  throw new ShiplockError({
    code: "lab-hosts",
    message: wrong === undefined ? "host names must differ, 200 at most" : `"${wrong.name}" is no name for a host`,
    blame: "usage",
  });
}

function sshdWishOf(wish: HostWish): SshdWish {
  return { streamForwarding: wish.sshd?.streamForwarding ?? true, lines: wish.sshd?.lines ?? [] };
}

function isAsWished(record: LabRecord, wishes: readonly HostWish[]): boolean {
  const hosts = record.boxes.filter((box) => box.kind === "host");
  return (
    hosts.length === wishes.length &&
    wishes.every((wish, index) => {
      const box = hosts[index];
      if (box === undefined || box.name !== wish.name || box.diskLimitBytes !== wish.diskLimitBytes) return false;
      return JSON.stringify(box.sshdWish) === JSON.stringify(sshdWishOf(wish));
    })
  );
}

async function isHealthy(paths: LabPaths, record: LabRecord): Promise<boolean> {
  if (record.bridge === undefined || (await run(["ip", "link", "show", record.bridge])).code !== 0) return false;
  if (record.registry === undefined || !isAlive(record.registry)) return false;
  if ((await registryStatus(registryAccess(paths, record))) !== 401) return false;
  const healthy = await inParallel(record.boxes, 4, async (box) => {
    if (box.init === undefined || !isAlive(box.init)) return false;
    if (!(await engineAnswers(socketOf(paths, box)))) return false;
    return box.kind === "runner" || (await sshAnswers(box.address));
  });
  return healthy.every(Boolean);
}

async function raise(
  paths: LabPaths,
  record: LabRecord,
  wishes: readonly HostWish[],
  log: (line: string) => void,
): Promise<void> {
  const save = () => writeRecord(paths, record);
  mkdirSync(paths.logs, { recursive: true, mode: 0o755 });
  await withLock(`${paths.root}/network.lock`, START_DEADLINE_MS, async () => {
    const others = allRecords(paths.root).filter((other) => other.name !== record.name);
    const taken = new Set(others.map((other) => other.subnet));
    record.subnet = await freeSubnet(record.subnet < 0 ? undefined : record.subnet, taken);
    record.boxes = boxesOf(record.subnet, wishes);
    log(`network slab${record.subnet}, 10.231.${record.subnet}.0/24`);
    await raiseNetwork(record, others, save);
  });
  log("registry");
  await startRegistryOf(paths, record, save);
  const publicKey = await ensureLabKey(paths);
  await inParallel(record.boxes, ENGINES_AT_ONCE, async (box) => {
    log(`${box.name}: namespaces, Docker Engine${box.kind === "host" ? ", sshd" : ""}`);
    await startBox(paths, record, box, publicKey, save);
    if (box.kind === "host") await startSshd(paths, box, save);
    await startEngine(paths, record, box, save);
  });
  const hosts = record.boxes.filter((box) => box.kind === "host");
  await writeSshConfig(paths, hosts);
  log(`up: ${hosts.map((host) => `${host.name} ${host.address}`).join(", ")}`);
}

function boxesOf(subnet: number, wishes: readonly HostWish[]): BoxRecord[] {
  const runner: BoxRecord = {
    name: "runner",
    kind: "runner",
    address: runnerAddressOf(subnet),
    veth: `slab${subnet}r`,
    sshdWish: { streamForwarding: true, lines: [] },
  };
  const hosts = wishes.map(
    (wish, index): BoxRecord => ({
      name: wish.name,
      kind: "host",
      address: hostAddressOf(subnet, index),
      veth: `slab${subnet}h${index + 1}`,
      sshdWish: sshdWishOf(wish),
      ...(wish.diskLimitBytes === undefined ? {} : { diskLimitBytes: wish.diskLimitBytes }),
    }),
  );
  return [runner, ...hosts];
}

function labOf(paths: LabPaths, record: LabRecord): Lab {
  const hosts = record.boxes.filter((box) => box.kind === "host").map((box) => labHost(paths, box));
  const runner = record.boxes.find((box) => box.kind === "runner");
  if (runner === undefined)
    throw new ShiplockError({ code: "lab-record", message: `lab "${record.name}" has no runner` });
  return {
    ...faultTools(paths),
    name: record.name,
    hosts,
    host: (name) => {
      const found = hosts.find((host) => host.name === name);
      if (found !== undefined) return found;
      throw new ShiplockError({ code: "lab-hosts", message: `lab "${record.name}" has no host "${name}"` });
    },
    sshConfigPath: paths.sshConfig,
    registry: registryAccess(paths, record),
    runnerSocket: socketOf(paths, runner),
    stop: async () => {
      await stopLab({ name: record.name, root: paths.root });
    },
  };
}
