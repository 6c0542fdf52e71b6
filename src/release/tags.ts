import { createHash } from "node:crypto";

/** The longest tag a registry takes. */
const longestTag = 128;

/**
 * The tag of an image: `<prefix>-<branch>-<sha7>`. A branch that is no tag by itself is made one, and then carries a short hash of its real name, so that `feature/a` and
 * `feature-a` do not collide.
 * @param ref branch or tag; null leaves that part out
 */
export function imageTag(prefix: string, ref: string | null, commit: string): string {
  const sha7 = commit.slice(0, 7);
  const before = `${prefix}-`;
  if (ref === null) return `${before}${sha7}`;
  return `${before}${safePart(ref, longestTag - before.length - sha7.length - 1)}-${sha7}`;
}

function safePart(ref: string, room: number): string {
  const safe = ref.replaceAll(/[^A-Za-z0-9_.-]+/g, "-");
  if (safe === ref && ref.length <= room) return ref;
  const hash = createHash("sha256").update(ref).digest("hex").slice(0, 6);
  return `${safe.slice(0, room - hash.length - 1)}-${hash}`;
}
