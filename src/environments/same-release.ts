import type { Release } from "../release/types.ts";

/**
 * Whether what one environment has is what another shall get: the same digests. Of an image that holds values of its environment the digest differs by those values, and so
 * do its inputs, which they are part of: there the same commit counts, whose files, Dockerfile and arguments are the same. Of a working tree only the very same release is.
 */
export function sameRelease(left: Release, right: Release): boolean {
  if (left.id === right.id) return true;
  if (left.dirty || right.dirty || left.commit !== right.commit) return false;
  const names = Object.keys(left.images);
  if (names.length !== Object.keys(right.images).length) return false;
  return names.every((name) => {
    const [one, other] = [left.images[name], right.images[name]];
    if (one === undefined || other === undefined) return false;
    return one.digest === other.digest || (one.environment !== null && other.environment !== null);
  });
}
