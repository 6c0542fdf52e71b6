import type { Look, WatchEnd, WatchPolicy } from "./types.ts";

/** What a watch remembers between two looks. */
export type WatchMemory = {
  /** Bad looks since the last good one. */
  readonly bad: number;
  /** Restarts of each container when it was seen first. */
  readonly restarts: Readonly<Record<string, number>>;
};

export type WatchStep = {
  memory: WatchMemory;
  /** What is wrong by this look, each a sentence. */
  problems: readonly string[];
  /** What could not be seen, each a sentence. */
  unseen: readonly string[];
  /** Null while the watch goes on. */
  end: WatchEnd | null;
};

export const nothingSeenYet: WatchMemory = { bad: 0, restarts: {} };

/**
 * Takes one more look into account. A look is bad when something bad was seen; one in which something could not be seen is no good look and no bad one: it neither counts nor
 * makes the bad ones before it forgotten. When the time is over while the last look was bad, it is looked on until that is decided, at most as often as `failures` says.
 */
export function takeLook(policy: WatchPolicy, memory: WatchMemory, look: Look): WatchStep {
  const restarts = firstSeen(memory, look);
  const problems = [...problemsOf(look), ...restarted(policy, restarts, look)];
  const unseen = look.hosts.flatMap((host) => (host.seen ? [] : [`${host.host}: ${host.why}`]));
  const bad = problems.length > 0 ? memory.bad + 1 : unseen.length > 0 ? memory.bad : 0;
  const step = { memory: { bad, restarts }, problems, unseen };
  return { ...step, end: endOf(policy, look, step) };
}

function endOf(policy: WatchPolicy, look: Look, { memory, problems, unseen }: Omit<WatchStep, "end">): WatchEnd | null {
  if (look.superseded !== null) return { how: "superseded", said: look.superseded };
  if (problems.length > 0) {
    if (memory.bad < policy.failures) return null;
    return { how: "bad", said: `${memory.bad === 1 ? "" : `${memory.bad} times in a row: `}${problems.join("; ")}` };
  }
  if (look.afterMs < policy.forMs) return null;
  if (unseen.length > 0)
    return { how: "unseen", said: `nothing bad was seen, but in the end not everything was: ${unseen.join("; ")}` };
  return { how: "healthy", said: `healthy for ${policy.forMs / 1000} s` };
}

function problemsOf(look: Look): string[] {
  // Who reaches no host may be the one who is cut off.
  const connected = look.hosts.some(({ seen }) => seen);
  return [
    ...look.hosts.flatMap((host) => (host.seen ? host.problems : [])),
    ...look.urls.flatMap(({ problem, answered }) => (problem !== null && (answered || connected) ? [problem] : [])),
  ];
}

/** A container that was made anew counts from its own beginning. */
function firstSeen(memory: WatchMemory, look: Look): Record<string, number> {
  const known: Record<string, number> = { ...memory.restarts };
  for (const { key, restarts } of containersOf(look)) known[key] = Math.min(known[key] ?? restarts, restarts);
  return known;
}

function restarted(policy: WatchPolicy, first: Readonly<Record<string, number>>, look: Look): string[] {
  return containersOf(look).flatMap(({ key, name, host, restarts }) => {
    const more = restarts - (first[key] ?? restarts);
    return more > policy.restarts ? [`${name} on ${host} restarted ${more === 1 ? "once" : `${more} times`}`] : [];
  });
}

function containersOf(look: Look): { key: string; name: string; host: string; restarts: number }[] {
  return look.hosts.flatMap((host) =>
    host.seen ? host.containers.map((one) => ({ ...one, host: host.host, key: `${host.host} ${one.name}` })) : [],
  );
}
