import { createHash, randomUUID } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { runProgram } from "../../process.ts";

/** A process, told apart from a later one of the same number by its start. */
export type ProcessIdentity = { readonly pid: number; readonly started: string };

/** Who a process is; null if there is none of this number, or it has ended and waits to be buried. */
export async function identityOf(pid: number): Promise<ProcessIdentity | null> {
  const started = process.platform === "linux" ? await startOnLinux(pid) : await startByPs(pid);
  return started === null ? null : { pid, started };
}

export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  return (await identityOf(identity.pid))?.started === identity.started;
}

async function startOnLinux(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(nothing);
  if (stat === null) return null;
  // The name in parentheses may hold anything; behind it come the state and, as the 22nd field of all, the start in clock ticks since the boot.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return null;
  const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(nothing);
  return `${(boot ?? "").trim()} ${fields[19] ?? ""}`;
}

async function startByPs(pid: number): Promise<string | null> {
  const shown = await runProgram("ps", ["-o", "lstart=", "-p", String(pid)], {
    timeoutMs: 10_000,
    env: { PATH: process.env["PATH"], LC_ALL: "C" },
  });
  return shown.exitCode === 0 ? shown.stdout.trim() : null;
}

/** What is gone, or was never there. */
function nothing(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT" || error.code === "ESRCH") return null;
  throw error;
}

/** A name for this machine and state folder, made at its first use. Two machines that share a home have two. */
export async function machineId(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, "machine");
  const own = join(folder, `machine.${randomUUID()}`);
  const known = await readFile(path, "utf8").catch(nothing);
  if (known === null) {
    try {
      await writeFile(own, randomUUID(), { mode: 0o600 });
      // Whole or not at all, and of two that do it at once one wins.
      await link(own, path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
      });
    } finally {
      await rm(own, { force: true });
    }
  }
  const id = known ?? (await readFile(path, "utf8"));
  return createHash("sha256").update(`${id} ${hostname()}`).digest("hex").slice(0, 16);
}
