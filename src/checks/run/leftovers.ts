import { rm } from "node:fs/promises";
import { basename } from "node:path";
import type { Clock } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import type { Engine } from "../../hosts/engine.ts";
import { isScratch } from "../../scratch.ts";
import { checkLabel, madeBy } from "./labels.ts";
import { endMarked } from "../../process-tree.ts";
import type { RunRecords } from "./run-records.ts";

/** The scratch folder of a run; nothing with another name is ever removed. */
export function scratchName(run: string): string {
  return `shiplock-check-${run}`;
}

/**
 * Removes what runs of this machine left behind whose process is gone: containers, networks, processes, folders. What another machine made on the same engine, and what belongs to
 * a run that goes on, is left alone.
 * @param engine null where no check of this run needs one
 * @param note is told what was removed, and what could not be
 * @returns the runs that go on
 */
export async function removeLeftovers(options: {
  engine: Engine | null;
  machine: string;
  records: RunRecords;
  clock: Clock;
  note: (text: string) => void;
}): Promise<ReadonlySet<string>> {
  const { engine, records, clock, note } = options;
  // What is there is looked at before who goes on: a run writes its record before it makes anything.
  const made = engine === null ? [] : await madeOn(engine, options.machine);
  const all = await records.list();
  const alive = new Set(all.filter((record) => record.alive).map((record) => record.run));

  async function attempt(what: string, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      note(`removed ${what}`);
      return true;
    } catch (error) {
      note(`${what} could not be removed: ${messageOf(error)}`);
      return false;
    }
  }

  for (const thing of made) {
    if (!alive.has(thing.run)) await attempt(`${thing.name}, left by run ${thing.run}`, thing.remove);
  }
  for (const record of all) {
    if (record.alive) continue;
    const ended = await endMarked("check", (mark) => mark.startsWith(`${record.run}/`), clock);
    const removed = await attempt(`what run ${record.run} left on this machine`, async () => {
      if (basename(record.scratch) === scratchName(record.run))
        await rm(record.scratch, { recursive: true, force: true });
      if (record.checkout !== null && isScratch(record.checkout))
        await rm(record.checkout, { recursive: true, force: true });
    });
    if (ended && removed) await records.end(record.run);
  }
  return alive;
}

type Made = { name: string; run: string; remove: () => Promise<void> };

/** Containers first: a network goes when nothing is in it. */
async function madeOn(engine: Engine, machine: string): Promise<Made[]> {
  const labels = madeBy(machine, "check");
  const containers = await engine.listContainers({ all: true, labels });
  const networks = await engine.listNetworks({ labels });
  const runOf = (thing: { labels: Readonly<Record<string, string>> }): string => thing.labels[checkLabel.run] ?? "";
  return [
    ...containers.map((container) => ({
      name: `container ${container.name}`,
      run: runOf(container),
      remove: () => engine.removeContainer(container.id, { force: true, volumes: true }),
    })),
    ...networks.map((network) => ({
      name: `network ${network.name}`,
      run: runOf(network),
      remove: () => engine.removeNetwork(network.id),
    })),
  ];
}
