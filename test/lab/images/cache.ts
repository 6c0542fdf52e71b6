import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { must } from "../process.ts";

/** Nothing that makes an image takes as long. */
const abandonedAfterMs = 2 * 3_600_000;
const unfinished = /[-.][0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Writes a file under another name first, so that a half-written one is never taken for the whole. */
export async function inPlace(file: string, write: (temporary: string) => Promise<unknown>): Promise<void> {
  const temporary = `${file}.${randomUUID()}`;
  try {
    await write(temporary);
    renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** Removes an image's tarballs of other recipes than this one. */
export function forgetOlder(cacheDir: string, name: string, recipe: string): void {
  const tarballs = readdirSync(cacheDir).filter((file) => new RegExp(`^${name}-[0-9a-f]{12}\\.tar$`).test(file));
  for (const file of tarballs) {
    if (file !== `${name}-${recipe}.tar`) rmSync(join(cacheDir, file), { force: true });
  }
}

/** Removes what was being made when a process was killed, hours ago: every unfinished thing ends in a random name. */
export async function sweepLeftovers(cacheDir: string): Promise<void> {
  for (const name of readdirSync(cacheDir).filter((entry) => unfinished.test(entry))) {
    const path = join(cacheDir, name);
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > abandonedAfterMs) await removeRoot(path);
  }
}

/** Removes a folder that was made into a root: debootstrap, cut short, leaves /proc mounted, and a removal would reach into it. */
export async function removeRoot(folder: string): Promise<void> {
  const mounted = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((path) => path.startsWith(`${folder}/`))
    .reverse();
  for (const path of mounted) await must(["umount", path], { timeoutMs: 10_000 });
  rmSync(folder, { recursive: true, force: true });
}
