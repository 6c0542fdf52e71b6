/** Runs one piece of work after the other, in the order in which they were given. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/** What takes effect does so alone: two requests, or a request and somebody's push, never see each other half done. */
export function createTurns(): InTurn {
  let before: Promise<unknown> = Promise.resolve();
  return async function inTurn(work) {
    const turn = before.then(work);
    before = turn.catch(() => undefined);
    return await turn;
  };
}
