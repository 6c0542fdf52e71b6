import { existsSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ShiplockError } from "../../src/errors.ts";
import { prepareBoxRoot, prepareHomes } from "./box-files.ts";
import { connectBox, gatewayOf } from "./network.ts";
import {
  childrenOf,
  endProcess,
  isAlive,
  markOf,
  must,
  type ProcessMark,
  type RunOptions,
  type RunResult,
  run,
  startDaemon,
  tail,
  waitFor,
} from "./process.ts";
import type { BoxRecord, LabPaths, LabRecord } from "./record.ts";

/** The whole environment of what runs inside a box: nothing of the deployer's. */
export const BOX_ENVIRONMENT: Record<string, string> = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C.UTF-8",
};

/** The argument list that puts a program into a box's namespaces. */
export function insideBox(init: ProcessMark): string[] {
  return ["nsenter", "--target", String(init.pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--"];
}

/** The box's first process, or an error that says it does not run. */
export function initOf(box: BoxRecord): ProcessMark {
  if (box.init !== undefined && isAlive(box.init)) return box.init;
  throw new ShiplockError({
    code: "lab-box-down",
    message: `${box.name} does not run`,
    remedy: "Start the lab again.",
  });
}

/** Runs a program inside a box, as root or as another of its users, with a bare environment. */
export function runInBox(
  box: BoxRecord,
  argv: readonly string[],
  options: RunOptions & { user?: string } = {},
): Promise<RunResult> {
  const { user = "root" } = options;
  const as = user === "root" ? [] : ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--init-groups", "--"];
  const home = user === "root" ? "/root" : `/home/${user}`;
  return run([...insideBox(initOf(box)), ...as, ...argv], {
    ...options,
    env: { ...BOX_ENVIRONMENT, HOME: home, ...options.env },
  });
}

/** Starts a program inside a box that outlives this process; returns the mark of the program itself. */
export async function startInBox(box: BoxRecord, argv: readonly string[], logFile: string): Promise<ProcessMark> {
  const entered = await startDaemon([...insideBox(initOf(box)), ...argv], { logFile, env: BOX_ENVIRONMENT });
  return childOf(entered, argv[0] ?? "", logFile);
}

/** `nsenter --pid` and `unshare --fork` run the program as their child; that child's mark. */
async function childOf(parent: ProcessMark, what: string, logFile: string): Promise<ProcessMark> {
  let found: ProcessMark | undefined;
  await waitFor(
    `${what} to start`,
    () => {
      const child = childrenOf(parent.pid)[0];
      found = child === undefined ? undefined : markOf(child);
      if (found === undefined && !isAlive(parent)) {
        throw new ShiplockError({ code: "lab-daemon", message: `${what} ended at once: ${tail(logFile)}` });
      }
      return found !== undefined;
    },
    { timeoutMs: 10_000, everyMs: 5, detail: () => tail(logFile) },
  );
  if (found === undefined) throw new ShiplockError({ code: "lab-daemon", message: `${what} did not start` });
  return found;
}

/**
 * Starts a box: fresh namespaces, its own files (a host) or the machine's (the runner), connected to the bridge. What is
 * started is in the record, and saved, before it is used.
 */
export async function startBox(
  paths: LabPaths,
  record: LabRecord,
  box: BoxRecord,
  publicKey: string,
  save: () => void,
): Promise<void> {
  const folder = paths.box(box.name);
  const root = paths.boxRoot(box.name);
  const logFile = paths.log(`${box.name}-init`);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const ready = box.kind === "host" ? join(root, "run/box-ready") : join(folder, "ready");
  rmSync(ready, { force: true });
  const init = box.kind === "host" ? await hostInit(paths, record, box) : runnerInit(folder, ready);
  box.outer = await startDaemon(
    [
      "unshare",
      "--mount",
      "--uts",
      "--ipc",
      "--net",
      "--pid",
      "--fork",
      "--kill-child",
      "--propagation",
      "private",
      "--",
      ...init,
    ],
    { logFile, env: BOX_ENVIRONMENT },
  );
  save();
  const outer = box.outer;
  box.init = await childOf(outer, box.name, logFile);
  save();
  await waitFor(
    `the namespaces of ${box.name}`,
    () => {
      if (!isAlive(outer)) throw new ShiplockError({ code: "lab-box", message: `${box.name}: ${tail(logFile)}` });
      return existsSync(ready);
    },
    { timeoutMs: 20_000, everyMs: 5, detail: () => tail(logFile) },
  );
  await connectBox(record, box, box.init.pid);
  if (box.kind === "host") prepareHomes(`/proc/${box.init.pid}/root`, publicKey);
}

async function hostInit(paths: LabPaths, record: LabRecord, box: BoxRecord): Promise<string[]> {
  const root = paths.boxRoot(box.name);
  const names = record.boxes.map(({ name, address }) => ({ name, address }));
  prepareBoxRoot(root, box.name, names, gatewayOf(record.subnet));
  const script = fileURLToPath(new URL("box-init.sh", import.meta.url));
  return ["sh", script, root, box.name, await diskOf(paths.box(box.name), box)];
}

function runnerInit(folder: string, ready: string): string[] {
  const resolv = join(folder, "resolv.conf");
  writeFileSync(resolv, reachableNameServers());
  return ["sh", fileURLToPath(new URL("runner-init.sh", import.meta.url)), ready, resolv];
}

/** The machine's name servers; a resolver on the machine's own loopback is replaced by the ones behind it. */
function reachableNameServers(): string {
  const own = readFileSync("/etc/resolv.conf", "utf8");
  const behind = "/run/systemd/resolve/resolv.conf";
  return /^nameserver\s+127\./m.test(own) && existsSync(behind) ? readFileSync(behind, "utf8") : own;
}

/** The disk image of a host whose room is limited (made when absent or of another size), or "-" for the machine's own disk. */
async function diskOf(folder: string, box: BoxRecord): Promise<string> {
  if (box.diskLimitBytes === undefined) return "-";
  const image = join(folder, "disk.img");
  if (existsSync(image) && statSync(image).size === box.diskLimitBytes) return image;
  rmSync(image, { force: true });
  writeFileSync(image, "", { mode: 0o600 });
  truncateSync(image, box.diskLimitBytes);
  await must(["mkfs.ext4", "-q", "-F", "-m", "0", image]);
  return image;
}

/** What the engine gets to put its files in order; containers that need longer end with the box anyway. */
const ENGINE_GRACE_MS = 3000;

/** Ends a box: its first process takes everything inside with it, and its mounts, network and disk go when nothing uses them. */
export async function stopBox(box: BoxRecord): Promise<void> {
  if (box.delay !== undefined) await endProcess(box.delay.process, 0);
  delete box.delay;
  if (box.engine !== undefined) await endProcess(box.engine, ENGINE_GRACE_MS);
  if (box.init !== undefined) await endProcess(box.init, 0);
  if (box.outer !== undefined) await endProcess(box.outer, 0);
  delete box.engine;
  delete box.sshd;
  delete box.init;
  delete box.outer;
  if ((await run(["ip", "link", "show", box.veth])).code === 0) {
    await run(["ip", "link", "delete", box.veth]);
  }
  await waitFor(
    `the network of ${box.name} to go`,
    async () => (await run(["ip", "link", "show", box.veth])).code !== 0,
    {
      timeoutMs: 10_000,
    },
  );
}
