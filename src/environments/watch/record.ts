import type { EnvironmentState } from "../record/types.ts";
import type { WatchEnd, WatchRecord } from "./types.ts";

/** A watch that is over for so long and was never ended has lost its command. */
const overdueMs = 60_000;

/** The state with a watch over its live release; null where that is another one by now. */
export function withWatch(state: EnvironmentState, watch: WatchRecord): EnvironmentState | null {
  return state.live?.deployment === watch.deployment ? { ...state, watch } : null;
}

/** The state in which this deployment's watch has ended; null where there is another watch by now, or none. */
export function withWatchEnded(
  state: EnvironmentState,
  deployment: string,
  end: WatchEnd,
  at: string,
): EnvironmentState | null {
  const watch = state.watch ?? null;
  if (watch === null || watch.deployment !== deployment || watch.ended !== null) return null;
  return { ...state, watch: { ...watch, ended: { ...end, at } } };
}

/** The watch over the live release in words; null where there was none. `bad` where a person should look. */
export function watchWords(state: EnvironmentState | null, now: Date): { words: string; bad: boolean } | null {
  const watch = state?.watch ?? null;
  if (watch === null || watch.deployment !== state?.live?.deployment) return null;
  const { ended, until, by, from } = watch;
  if (ended === null) {
    if (now.getTime() <= Date.parse(until) + overdueMs)
      return { words: `watched until ${until} by ${by} from ${from}`, bad: false };
    return { words: `was not watched to its end: the command of ${by} (${from}) is gone`, bad: true };
  }
  switch (ended.how) {
    case "healthy":
      return { words: `was watched until ${ended.at}: ${ended.said}`, bad: false };
    case "bad":
      return { words: `went bad while it was watched (${ended.at}): ${ended.said}`, bad: true };
    case "unseen":
    case "interrupted":
    case "superseded":
      return { words: `was not watched to its end (${ended.at}): ${ended.said}`, bad: ended.how === "unseen" };
  }
}
