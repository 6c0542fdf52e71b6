import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { canInstall, unpackFromSuite } from "./apt.ts";
import { run } from "./process.ts";

/** The first engine that keeps images in containerd well enough. */
const firstVersion = 24;
const programs = {
  "docker.io": ["usr/sbin/dockerd"],
  containerd: ["usr/bin/containerd", "usr/bin/containerd-shim-runc-v2"],
};

/** Whether an engine with the containerd image store can be had here, or why not. */
export async function containerdStoreAvailability(): Promise<
  { available: true } | { available: false; reason: string }
> {
  if ((await ownVersion()) >= firstVersion || canInstall()) return { available: true };
  const reason = `the engine here is older than ${firstVersion}, and a newer one is taken from Debian's archive as root`;
  return { available: false, reason };
}

/**
 * The command of an engine that can keep its images in containerd: this machine's own, or that of Debian 13, whose engine and containerd run on Debian 12 too (its runc
 * does not: the machine's own is used).
 * @param root folder for what is fetched and kept
 */
export async function containerdEngine(root: string, log: (line: string) => void): Promise<string[]> {
  if ((await ownVersion()) >= firstVersion) return ["dockerd"];
  const folder = join(root, "cache", "containerd-engine");
  if (!existsSync(folder)) {
    const unpacked = `${folder}.unpacked`;
    const making = `${folder}.making`;
    for (const left of [unpacked, making]) rmSync(left, { recursive: true, force: true });
    await unpackFromSuite("trixie", Object.keys(programs), unpacked, log);
    mkdirSync(making, { recursive: true });
    for (const program of Object.values(programs).flat()) {
      const made = join(making, program.split("/").at(-1) ?? "");
      copyFileSync(join(unpacked, program), made);
      chmodSync(made, 0o755);
    }
    rmSync(unpacked, { recursive: true, force: true });
    renameSync(making, folder);
  }
  const usual = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  return ["env", `PATH=${folder}:${usual}`, join(folder, "dockerd")];
}

async function ownVersion(): Promise<number> {
  const said = await run(["dockerd", "--version"], { timeoutMs: 10_000 });
  return Number(/version (\d+)\./.exec(said.stdout)?.[1] ?? 0);
}
