/** Many streams as one, each item as soon as it is there; no more than one item of each is held. */
export async function* mergeStreams<T>(streams: readonly AsyncIterable<T>[]): AsyncIterable<T> {
  const pending = new Map<AsyncIterator<T>, Promise<{ iterator: AsyncIterator<T>; result: IteratorResult<T> }>>();
  const advance = (iterator: AsyncIterator<T>): void => {
    pending.set(
      iterator,
      iterator.next().then((result) => ({ iterator, result })),
    );
  };
  for (const stream of streams) advance(stream[Symbol.asyncIterator]());
  try {
    while (pending.size > 0) {
      const { iterator, result } = await Promise.race(pending.values());
      if (result.done === true) {
        pending.delete(iterator);
        continue;
      }
      advance(iterator);
      yield result.value;
    }
  } finally {
    await Promise.all([...pending.keys()].map(async (iterator) => iterator.return?.()));
  }
}
