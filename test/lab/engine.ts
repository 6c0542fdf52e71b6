import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { ShiplockError } from "../../src/errors.ts";
import { startInBox } from "./box.ts";
import { containerdEngine } from "./containerd-store.ts";
import { endProcess, isAlive, signal, tail, waitFor } from "./process.ts";
import type { BoxRecord, LabPaths, LabRecord } from "./record.ts";

/** Where a box's engine listens, as seen from the test machine. */
export function socketOf(paths: LabPaths, box: BoxRecord): string {
  return box.kind === "host"
    ? join(paths.boxRoot(box.name), "run/docker.sock")
    : join(paths.box(box.name), "docker.sock");
}

export type EngineAnswer = { status: number; body: string };

/**
 * One request to an engine, for assertions in tests. Any HTTP status is an answer; an engine that does not answer within
 * `timeoutMs` (10 seconds unless told) is an error.
 * @param path with the query, without an API version
 */
export function askEngine(
  socketPath: string,
  method: string,
  path: string,
  options: { body?: unknown; headers?: Record<string, string>; timeoutMs?: number } = {},
): Promise<EngineAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<EngineAnswer>();
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  const timeoutMs = options.timeoutMs ?? 10_000;
  const asked = request(
    {
      socketPath,
      method,
      path,
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        Host: "engine",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...options.headers,
      },
    },
    (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
    },
  );
  asked.on("error", reject);
  asked.end(body);
  return promise;
}

/** Whether the engine behind this socket answers. */
export async function engineAnswers(socketPath: string): Promise<boolean> {
  if (!existsSync(socketPath)) return false;
  try {
    return (await askEngine(socketPath, "GET", "/_ping", { timeoutMs: 3000 })).status === 200;
  } catch {
    return false;
  }
}

/** Starts the Docker Engine of a box and returns when it answers. Images and containers are those of the box's last run. */
export async function startEngine(paths: LabPaths, record: LabRecord, box: BoxRecord, save: () => void): Promise<void> {
  const socket = socketOf(paths, box);
  const logFile = paths.log(`${box.name}-dockerd`);
  const own = filesOf(paths, box);
  rmSync(socket, { force: true });
  for (const file of own.stale) rmSync(file, { force: true });
  const containerd = box.containerdStore === true;
  const program = containerd ? await containerdEngine(paths.root, () => undefined) : ["dockerd"];
  writeFileSync(own.configOutside, JSON.stringify(configOf(record, own, containerd)), { mode: 0o644 });
  box.engine = await startInBox(box, [...program, "--config-file", own.config], logFile);
  save();
  const engine = box.engine;
  await waitFor(
    `the engine of ${box.name}`,
    async () => {
      if (isAlive(engine)) return await engineAnswers(socket);
      throw new ShiplockError({
        code: "lab-engine",
        message: `the engine of ${box.name} ended: ${tail(logFile)}`,
        where: logFile,
      });
    },
    { timeoutMs: 60_000, everyMs: 50, detail: () => tail(logFile) },
  );
}

type EngineFiles = {
  config: string;
  configOutside: string;
  socket: string;
  data: string;
  exec: string;
  pid: string;
  group: string;
  stale: readonly string[];
};

function filesOf(paths: LabPaths, box: BoxRecord): EngineFiles {
  if (box.kind === "runner") {
    const folder = paths.box(box.name);
    const data = join(folder, box.containerdStore === true ? "data-containerd" : "data");
    mkdirSync(data, { recursive: true, mode: 0o711 });
    const pid = join(folder, "dockerd.pid");
    return {
      config: join(folder, "daemon.json"),
      configOutside: join(folder, "daemon.json"),
      socket: join(folder, "docker.sock"),
      data,
      exec: join(folder, "exec"),
      pid,
      group: "root",
      stale: [pid, join(folder, "exec/containerd/containerd.pid")],
    };
  }
  const root = paths.boxRoot(box.name);
  return {
    config: "/etc/docker/daemon.json",
    configOutside: join(root, "etc/docker/daemon.json"),
    socket: "/var/run/docker.sock",
    data: "/var/lib/docker",
    exec: "/var/run/docker",
    pid: "/var/run/docker.pid",
    group: "docker",
    stale: [join(root, "run/docker.pid"), join(root, "run/docker/containerd/containerd.pid")],
  };
}

function configOf(record: LabRecord, own: EngineFiles, containerd: boolean): Record<string, unknown> {
  return {
    hosts: [`unix://${own.socket}`],
    "data-root": own.data,
    "exec-root": own.exec,
    pidfile: own.pid,
    group: own.group,
    ...(containerd ? { features: { "containerd-snapshotter": true } } : { "storage-driver": "overlay2" }),
    "cgroup-parent": `/${record.cgroup}`,
    // Without systemd inside the box there is only the one driver.
    "exec-opts": ["native.cgroupdriver=cgroupfs"],
    "insecure-registries": [`10.231.${record.subnet}.0/24`],
    "log-driver": "json-file",
    "shutdown-timeout": 5,
  };
}

/** Stops the engine as a service manager would (containers are stopped with it) and returns when it is gone. */
export async function stopEngine(box: BoxRecord): Promise<void> {
  // systemd's own patience: an engine that is killed while it stops containers does not start them again.
  if (box.engine !== undefined) await endProcess(box.engine, 90_000);
  delete box.engine;
}

/** Kills the engine without a chance to tidy up; containers go on running until it is started again. */
export async function killEngineOf(box: BoxRecord): Promise<void> {
  const engine = box.engine;
  if (engine === undefined) return;
  signal(engine, "SIGKILL");
  await waitFor(`the engine of ${box.name} to end`, () => !isAlive(engine), { timeoutMs: 10_000 });
  delete box.engine;
}
