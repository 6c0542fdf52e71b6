import { ShiplockError } from "../errors.ts";
import type { CommitStatus, CommitStatuses } from "./statuses.ts";

export type FakeStatuses = CommitStatuses & {
  /** The CI reports; what it reported before under this name is replaced. */
  report(commit: string, name: string, state: CommitStatus["state"]): void;
  /** From now on nobody answers, or again. */
  setReachable(reachable: boolean): void;
};

/** A CI in memory. */
export function fakeStatuses(): FakeStatuses {
  const reported = new Map<string, Map<string, CommitStatus>>();
  let isReachable = true;
  return {
    report(commit, name, state) {
      const statuses = reported.get(commit) ?? new Map<string, CommitStatus>();
      statuses.set(name, { name, state, url: null });
      reported.set(commit, statuses);
    },
    setReachable(reachable) {
      isReachable = reachable;
    },
    async of(commit, { signal }) {
      signal.throwIfAborted();
      if (!isReachable)
        throw new ShiplockError({ code: "statuses/unreachable", message: "the statuses could not be asked for" });
      return [...(reported.get(commit)?.values() ?? [])];
    },
  };
}
