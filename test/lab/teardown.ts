import { existsSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { stopBox } from "./box.ts";
import { lowerNetwork } from "./network.ts";
import { inParallel, until } from "./process.ts";
import { allRecords, type LabPaths, type LabRecord, writeRecord } from "./record.ts";
import { stopRegistryOf } from "./registry.ts";

/**
 * Ends everything the record names and nothing else, in the reverse order of the start. What is gone already is fine, so
 * it also clears up after a crash. The record stays, with nothing running in it, and so do images, volumes and keys.
 */
export async function tearDown(paths: LabPaths, record: LabRecord, log: (line: string) => void): Promise<void> {
  await inParallel(record.boxes, 4, async (box) => {
    if (box.init !== undefined) log(`stopping ${box.name}`);
    await stopBox(box);
    writeRecord(paths, record);
  });
  record.boxes = [];
  if (record.registry !== undefined) log("stopping the registry");
  await stopRegistryOf(record);
  writeRecord(paths, record);
  const others = allRecords(paths.root).filter((other) => other.name !== record.name);
  const lastLab = others.every((other) => other.forwardingBefore === undefined);
  if (record.bridge !== undefined) log(`taking down the network ${record.bridge}`);
  await lowerNetwork(record, { lastLab });
  writeRecord(paths, record);
  await removeCgroups(record.cgroup);
}

/** Whether the record names anything that may still be there. */
export function hasAnything(record: LabRecord): boolean {
  return (
    record.boxes.length > 0 ||
    record.registry !== undefined ||
    record.bridge !== undefined ||
    record.firewall.length > 0
  );
}

/** The lab's control groups: one folder in each hierarchy (version 1), or one in all (version 2). */
export function cgroupFolders(cgroup: string): string[] {
  const base = "/sys/fs/cgroup";
  return [base, ...readdirSync(base).map((name) => join(base, name))]
    .map((hierarchy) => join(hierarchy, cgroup))
    .filter((folder) => existsSync(folder));
}

async function removeCgroups(cgroup: string): Promise<void> {
  for (const folder of cgroupFolders(cgroup)) {
    // A group is busy for a moment after its last process has ended.
    await until(() => removeEmptyGroups(folder), { timeoutMs: 5000 });
  }
}

function removeEmptyGroups(folder: string): boolean {
  if (!existsSync(folder)) return true;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && !removeEmptyGroups(join(folder, entry.name))) return false;
  }
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EBUSY") return false;
    throw error;
  }
}
