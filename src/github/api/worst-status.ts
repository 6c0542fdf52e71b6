import type { CommitStatus } from "../../checks/statuses.ts";

const fromBestToWorst: readonly CommitStatus["state"][] = ["success", "pending", "unknown", "failure"];

/** Of several that share a name the worst, since nobody can tell which of them was meant. */
export function worstOfEach(statuses: readonly CommitStatus[]): CommitStatus[] {
  const worst = new Map<string, CommitStatus>();
  for (const status of statuses) {
    const known = worst.get(status.name);
    if (known === undefined || rank(status) > rank(known)) worst.set(status.name, status);
  }
  return [...worst.values()];
}

function rank({ state }: CommitStatus): number {
  return fromBestToWorst.indexOf(state);
}

/** Of those that share a key the newest. */
export function newestOfEach<T>(
  all: readonly T[],
  keyOf: (one: T) => string,
  isNewer: (one: T, than: T) => boolean,
): T[] {
  const newest = new Map<string, T>();
  for (const one of all) {
    const known = newest.get(keyOf(one));
    if (known === undefined || isNewer(one, known)) newest.set(keyOf(one), one);
  }
  return [...newest.values()];
}
