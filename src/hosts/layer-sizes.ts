/** One instruction that an image was made by; `bytes` are those of its layer, 0 if it made none. */
export type HistoryEntry = { instruction: string; bytes: number };

/** Instructions that only change the configuration; older builders write `/bin/sh -c #(nop)` before them. */
const changesNoFile =
  /^(?:\/bin\/sh -c #\(nop\)\s+)?(?:ENV|CMD|ENTRYPOINT|EXPOSE|LABEL|USER|VOLUME|STOPSIGNAL|HEALTHCHECK|ARG|SHELL|MAINTAINER|ONBUILD)\b/;

/**
 * About how many bytes each layer of an image has, as an engine's history of the image tells it.
 *
 * The history does not say which instructions made a layer, and one without bytes may have. Where its count does not fit, layers without bytes are taken for the lowest, so that
 * what lies on top is counted rather too much than too little.
 * @param history the oldest first
 * @param count how many layers the image has
 * @returns the lowest first
 */
export function layerSizes(history: readonly HistoryEntry[], count: number): number[] {
  const made = history.filter(({ instruction, bytes }) => bytes > 0 || !changesNoFile.test(instruction));
  if (made.length === count) return made.map(({ bytes }) => bytes);
  const sized = history.filter(({ bytes }) => bytes > 0).map(({ bytes }) => bytes);
  const lowest = Array.from({ length: Math.max(0, count - sized.length) }, () => 0);
  return [...lowest, ...sized].slice(Math.max(0, sized.length - count));
}
