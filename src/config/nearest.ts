/**
 * The candidate that a person most likely meant by `name`: equal but for case, one the beginning of the other, or few edits away (insert,
 * delete, replace, swap of neighbours; at most a third of the longer word). `undefined` when nothing is near; of equals the first.
 */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: { candidate: string; distance: number } | undefined;
  const wanted = name.toLowerCase().slice(0, 100);
  for (const candidate of candidates) {
    const distance = distanceBetween(wanted, candidate.toLowerCase());
    if (distance === undefined) continue;
    if (best === undefined || distance < best.distance) best = { candidate, distance };
  }
  return best?.candidate;
}

function distanceBetween(a: string, b: string): number | undefined {
  const shorter = a.length < b.length ? a : b;
  const longer = a.length < b.length ? b : a;
  const allowed = Math.max(1, Math.floor(longer.length / 3));
  const distance = editDistance(a, b);
  if (distance <= allowed && distance < longer.length) return distance;
  if (shorter.length >= 3 && longer.startsWith(shorter)) return distance;
  return undefined;
}

/** Optimal string alignment distance, counted in UTF-16 units. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replaced);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
