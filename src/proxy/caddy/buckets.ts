import type { Share } from "../../deploy/types.ts";

/** A request falls into one of these by the first two hex digits of its random id. */
export const bucketCount = 256;

/** The name of a bucket, `00` to `ff`. */
export function bucketName(index: number): string {
  return index.toString(16).padStart(2, "0");
}

/**
 * Shares out all buckets in proportion to the weights (largest remainder), so that every assignment is complete.
 * @param shares at least one with a weight above zero
 * @returns for each bucket the index of the share that answers it
 */
export function shareOut(shares: readonly Share[]): number[] {
  const total = shares.reduce((sum, share) => sum + share.weight, 0);
  if (total <= 0) throw new RangeError("an assignment needs a share with a weight above zero");
  const exact = shares.map((share) => (share.weight * bucketCount) / total);
  const counts = exact.map(Math.floor);
  const order = exact
    .map((value, index) => ({ index, rest: value - Math.floor(value) }))
    .sort((left, right) => right.rest - left.rest || left.index - right.index);
  const missing = bucketCount - counts.reduce((sum, count) => sum + count, 0);
  for (const { index } of order.slice(0, missing)) counts[index] = (counts[index] ?? 0) + 1;
  return counts.flatMap((count, index) => Array.from({ length: count }, () => index));
}
