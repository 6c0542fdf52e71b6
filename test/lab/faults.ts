import { readdirSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ShiplockError } from "../../src/errors.ts";
import { initOf, startBox, stopBox } from "./box.ts";
import { DEPLOY_USER } from "./box-files.ts";
import { askEngine, killEngineOf, socketOf, startEngine, stopEngine } from "./engine.ts";
import { cutConnections, delayBox, type DelayKind, healBox, limitBox } from "./network-faults.ts";
import { childrenOf, isAlive, markOf, must, run, signal } from "./process.ts";
import { type BoxRecord, type LabPaths, type LabRecord, readRecord, withLock, writeRecord } from "./record.ts";
import { startRegistryOf, stopRegistryOf } from "./registry.ts";
import { ensureLabKey, startSshd } from "./ssh.ts";

type Host = { name: string };

/** What can be made to go wrong; `host` is one of the lab's. */
export type FaultTools = {
  /**
   * Packets from and to the host vanish (no reset, no answer) until `healNetwork`. With `"existing"` only those of the
   * SSH connections that are open now: their owner is cut off while a newcomer gets through.
   */
  cutNetwork: (host: Host, which?: "all" | "existing") => Promise<void>;
  healNetwork: (host: Host) => Promise<void>;
  /**
   * Adds so many milliseconds of round trip between deployer and host; 0 takes them away. `netem` delays every packet of the
   * host; without it in the kernel a `proxy` delays the SSH connections the
   * deployer opens from now on (handshake included), and a change of the delay breaks those that go through it.
   */
  delayNetwork: (host: Host, milliseconds: number) => Promise<DelayKind>;
  /** Lets so many bits a second through to the host and from it; null takes the limit away. */
  limitNetwork: (host: Host, bitsPerSecond: number | null) => Promise<void>;
  stopEngine: (host: Host) => Promise<void>;
  startEngine: (host: Host) => Promise<void>;
  restartEngine: (host: Host) => Promise<void>;
  /**
   * Kills the engine without warning; its containers go on running. `startEngine` brings it back, which then, as engines do
   * without live-restore, stops them and starts those with a restart policy again.
   */
  killEngine: (host: Host) => Promise<void>;
  /** Starts the runner's engine anew with its images in containerd, or in its own store again; each store keeps what it has. */
  useContainerdStore: (wanted: boolean) => Promise<void>;
  stopRegistry: () => Promise<void>;
  startRegistry: () => Promise<void>;
  /** Kills every SSH session on the host, not the server. Returns how many there were. */
  killSshSessions: (host: Host) => Promise<number>;
  /** Leaves so many bytes (0 unless told) free on the host's disk; needs `diskLimitBytes`. */
  fillDisk: (host: Host, leaveBytes?: number) => Promise<void>;
  freeDisk: (host: Host) => Promise<void>;
  /** Pulls the plug: everything on the host ends at once. `powerOn` boots it again, with the same disk. */
  powerOff: (host: Host) => Promise<void>;
  powerOn: (host: Host) => Promise<void>;
  /** Back to a bare host: no containers, volumes, own networks, files in home folders, faults. Images stay. */
  resetHost: (host: Host) => Promise<void>;
};

type Change = (record: LabRecord, save: () => void) => Promise<void>;

/** The fault tools of the lab with these paths. */
export function faultTools(paths: LabPaths): FaultTools {
  function change(work: Change): Promise<void> {
    return withLock(paths.lock, 120_000, async () => {
      const record = readRecord(paths);
      if (record === undefined) throw new ShiplockError({ code: "lab-down", message: "the lab is not up" });
      const save = () => writeRecord(paths, record);
      try {
        await work(record, save);
      } finally {
        save();
      }
    });
  }
  function changeBox(host: Host, work: (box: BoxRecord, record: LabRecord, save: () => void) => Promise<void>) {
    return change((record, save) => {
      const box = record.boxes.find((candidate) => candidate.name === host.name);
      if (box !== undefined) return work(box, record, save);
      throw new ShiplockError({ code: "lab-hosts", message: `the lab has no host "${host.name}"` });
    });
  }
  const proxyProgram = fileURLToPath(new URL("delay-proxy.ts", import.meta.url));
  const tools: FaultTools = {
    cutNetwork: (host, which = "all") => changeBox(host, (box) => cutConnections(box, which)),
    healNetwork: (host) => changeBox(host, (box) => healBox(box)),
    delayNetwork: async (host, milliseconds) => {
      let kind: DelayKind = "none";
      await changeBox(host, async (box, record, save) => {
        kind = await delayBox(paths, record, box, milliseconds, proxyProgram, save);
      });
      return kind;
    },
    limitNetwork: (host, bitsPerSecond) => changeBox(host, (box) => limitBox(box, bitsPerSecond)),
    stopEngine: (host) => changeBox(host, (box) => stopEngine(box)),
    startEngine: (host) => changeBox(host, (box, record, save) => startEngine(paths, record, box, save)),
    restartEngine: (host) =>
      changeBox(host, async (box, record, save) => {
        await stopEngine(box);
        await startEngine(paths, record, box, save);
      }),
    killEngine: (host) => changeBox(host, (box) => killEngineOf(box)),
    useContainerdStore: (wanted) =>
      changeBox({ name: "runner" }, async (box, record, save) => {
        if ((box.containerdStore ?? false) === wanted) return;
        await stopEngine(box);
        box.containerdStore = wanted;
        await startEngine(paths, record, box, save);
      }),
    stopRegistry: () => change((record) => stopRegistryOf(record)),
    startRegistry: () => change((record, save) => startRegistryOf(paths, record, save)),
    killSshSessions: async (host) => {
      let killed = 0;
      await changeBox(host, async (box) => {
        killed = killSessions(box);
      });
      return killed;
    },
    fillDisk: (host, leaveBytes = 0) => changeBox(host, (box) => fill(box, leaveBytes)),
    freeDisk: (host) => changeBox(host, async (box) => rmSync(fillerOf(box), { force: true })),
    powerOff: (host) =>
      changeBox(host, async (box) => {
        // No chance for the engine to say goodbye to its containers: that is what a power cut is.
        if (box.init !== undefined) signal(box.init, "SIGKILL");
        await stopBox(box);
      }),
    powerOn: (host) =>
      changeBox(host, async (box, record, save) => {
        if (box.init !== undefined && isAlive(box.init)) return;
        await startBox(paths, record, box, await ensureLabKey(paths), save);
        await startSshd(paths, box, save);
        await startEngine(paths, record, box, save);
      }),
    resetHost: (host) =>
      changeBox(host, async (box, record, save) => {
        await healBox(box);
        await delayBox(paths, record, box, 0, proxyProgram, save);
        await limitBox(box, null);
        rmSync(fillerOf(box), { force: true });
        if (box.engine === undefined || !isAlive(box.engine)) await startEngine(paths, record, box, save);
        await emptyEngine(socketOf(paths, box));
        emptyHomes(`/proc/${initOf(box).pid}/root`);
      }),
  };
  return tools;
}

/** sshd's children are the monitors of its sessions; killing one ends its session, the forwarded channels and the command's input. */
function killSessions(box: BoxRecord): number {
  if (box.sshd === undefined || !isAlive(box.sshd)) return 0;
  const monitors = childrenOf(box.sshd.pid);
  const all = monitors.flatMap((monitor) => [...childrenOf(monitor), monitor]).map(markOf);
  for (const mark of all) if (mark !== undefined) signal(mark, "SIGKILL");
  return monitors.length;
}

function fillerOf(box: BoxRecord): string {
  return `/proc/${initOf(box).pid}/root/disk/filler`;
}

async function fill(box: BoxRecord, leaveBytes: number): Promise<void> {
  if (box.diskLimitBytes === undefined) {
    throw new ShiplockError({
      code: "lab-disk",
      message: `${box.name} has no disk of its own, and the machine's is not to be filled`,
      remedy: "Start the lab with diskLimitBytes for this host.",
    });
  }
  const filler = fillerOf(box);
  rmSync(filler, { force: true });
  const room = statfsSync(join(filler, ".."));
  const bytes = room.bavail * room.bsize - leaveBytes;
  if (bytes <= 0) return;
  const allocated = await run(["fallocate", "--length", String(bytes), filler]);
  if (leaveBytes > 0) {
    if (allocated.code !== 0) throw new ShiplockError({ code: "lab-disk", message: allocated.stderr.trim() });
    return;
  }
  // The file's own bookkeeping takes a few blocks; what is left after it goes, too. dd ends when there is no room, as meant.
  await run(["dd", "if=/dev/zero", `of=${filler}`, "bs=4096", "oflag=append", "conv=notrunc", "status=none"]);
  await must(["sync", "--file-system", filler]);
}

async function emptyEngine(socketPath: string): Promise<void> {
  const containers = await get<{ Id: string }[]>(socketPath, "/containers/json?all=1");
  for (const { Id } of containers) await remove(socketPath, `/containers/${Id}?force=1&v=1`);
  const volumes = await get<{ Volumes: { Name: string }[] | null }>(socketPath, "/volumes");
  for (const { Name } of volumes.Volumes ?? [])
    await remove(socketPath, `/volumes/${encodeURIComponent(Name)}?force=1`);
  const networks = await get<{ Id: string; Name: string }[]>(socketPath, "/networks");
  for (const { Id, Name } of networks) {
    if (!["bridge", "host", "none"].includes(Name)) await remove(socketPath, `/networks/${Id}`);
  }
}

async function get<T>(socketPath: string, path: string): Promise<T> {
  const answer = await askEngine(socketPath, "GET", path);
  if (answer.status === 200) return JSON.parse(answer.body) as T;
  throw new ShiplockError({ code: "lab-engine", message: `GET ${path}: ${answer.status} ${answer.body}` });
}

async function remove(socketPath: string, path: string): Promise<void> {
  const answer = await askEngine(socketPath, "DELETE", path, { timeoutMs: 30_000 });
  if (answer.status < 300 || answer.status === 404) return;
  throw new ShiplockError({ code: "lab-engine", message: `DELETE ${path}: ${answer.status} ${answer.body}` });
}

function emptyHomes(root: string): void {
  for (const home of [join(root, "root"), join(root, "home", DEPLOY_USER.name)]) {
    for (const entry of readdirSync(home)) {
      if (entry !== ".ssh") rmSync(join(home, entry), { recursive: true, force: true });
    }
  }
}
