import type { Plan } from "../../src/deploy/types.ts";
import type { EnvironmentRecord, EnvironmentState, JournalEntry } from "../../src/environments/record/types.ts";

/** What of an environment record outlives every process that works on it. */
export type RecordStore = {
  current: { revision: number; state: EnvironmentState } | null;
  readonly seen: Map<string, number>;
  readonly plans: Map<string, Plan>;
  readonly releases: Map<string, string>;
  readonly journals: Map<string, JournalEntry[]>;
};

export function createRecordStore(): RecordStore {
  return { current: null, seen: new Map(), plans: new Map(), releases: new Map(), journals: new Map() };
}

export type MemoryRecordOptions = {
  now: () => number;
  /** Every call goes through here, which may keep it from coming back, or from happening at all. */
  call: <T>(effect: () => T) => Promise<Awaited<T>>;
  /** Sees every state that is written, with the one before it. */
  onSwap?: (before: EnvironmentState | null, after: EnvironmentState) => void;
};

/** An environment record in memory, as one process sees it. */
export function memoryRecord(store: RecordStore, { now, call, onSwap }: MemoryRecordOptions): EnvironmentRecord {
  let last: { revision: number; state: EnvironmentState } | null = null;
  const none = async (): Promise<never> => {
    throw new Error("nothing of this is kept in memory");
  };
  return {
    read: () => call(() => (last = structuredClone(store.current))),
    last: () => last,
    swap: async (expected, state, after) => {
      await after;
      return call(() => {
        if ((store.current?.revision ?? 0) !== expected) return false;
        const written = { revision: expected + 1, state: structuredClone(state) };
        onSwap?.(store.current?.state ?? null, written.state);
        store.current = written;
        last = structuredClone(written);
        return true;
      });
    },
    seen: (deployments) =>
      call(() => {
        for (const deployment of deployments) store.seen.set(deployment, now());
      }),
    left: (deployments) =>
      call(() => {
        for (const deployment of deployments) store.seen.delete(deployment);
      }),
    lastSeen: () => call(() => new Map([...store.seen].map(([deployment, at]) => [deployment, now() - at]))),
    writeOperation: (plan) => call(() => void store.plans.set(plan.deployment, structuredClone(plan))),
    readPlan: (deployment) => call(() => structuredClone(store.plans.get(deployment) ?? null)),
    append: (deployment, entries) =>
      call(() => void store.journals.set(deployment, [...(store.journals.get(deployment) ?? []), ...entries])),
    journal: (deployment) => call(() => [...(store.journals.get(deployment) ?? [])]),
    readRelease: (release) => call(() => store.releases.get(release) ?? null),
    writeRelease: (release, text) => call(() => void store.releases.set(release, text)),
    listReleases: () => call(() => [...store.releases.keys()]),
    removeRelease: (name) => call(() => void store.releases.delete(name)),
    listOperations: () => call(() => [...store.plans.keys()]),
    removeOperation: (deployment) => call(() => void store.plans.delete(deployment)),
    readMigration: none,
    writeMigration: none,
  };
}
