/** How a run or a job takes part in a group. */
export type Membership = {
  readonly group: string;
  readonly cancelInProgress: boolean;
  /** `single`: a newer one that waits replaces the one before. `max`: up to a hundred wait, in the order in which they came. */
  readonly queue: "single" | "max";
};

type Member = { readonly cancel: () => void; begin: () => void };

/** The concurrency groups of a repository. One member of a group runs at a time. */
export type ConcurrencyGroups = {
  /**
   * Waits for the turn in a group. `cancel` is called when a newer member takes the place, running or waiting.
   * Resolves with what gives the place free, or with null if it was cancelled while it waited.
   */
  enter(membership: Membership, cancel: () => void, signal: AbortSignal): Promise<(() => void) | null>;
};

const mostWaiting = 100;

export function createConcurrencyGroups(): ConcurrencyGroups {
  const groups = new Map<string, { running: Member | null; waiting: Member[] }>();

  function next(name: string): void {
    const group = groups.get(name);
    if (group === undefined || group.running !== null) return;
    const member = group.waiting.shift();
    if (member === undefined) return;
    group.running = member;
    member.begin();
  }

  return {
    enter: ({ group: written, cancelInProgress, queue }, cancel, signal) => {
      // GitHub's names of groups do not tell capitals apart.
      const name = written.toLowerCase();
      const group = groups.get(name) ?? { running: null, waiting: [] };
      groups.set(name, group);
      if (cancelInProgress && queue === "max") throw new Error(`${written}: queue "max" never cancels what runs`);
      return new Promise((resolve) => {
        const leave = (): void => {
          group.waiting = group.waiting.filter((other) => other !== member);
          resolve(null);
        };
        const member: Member = {
          cancel: () => {
            leave();
            cancel();
          },
          begin: () => {
            signal.removeEventListener("abort", leave);
            resolve(() => {
              if (group.running === member) group.running = null;
              next(name);
            });
          },
        };
        if (signal.aborted) return resolve(null);
        signal.addEventListener("abort", leave, { once: true });
        if (queue === "single") for (const other of [...group.waiting]) other.cancel();
        if (group.waiting.length >= mostWaiting) throw new Error(`${written}: more than ${mostWaiting} wait`);
        group.waiting.push(member);
        if (cancelInProgress) group.running?.cancel();
        next(name);
      });
    },
  };
}
