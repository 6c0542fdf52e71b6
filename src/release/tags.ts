import { createHash } from "node:crypto";

/** The longest tag a registry takes. */
const longestTag = 128;

/** Left for what stands behind a tag: the platform, in the tag of one platform of several. */
const platformRoom = "-linux-riscv64".length;

/** How many characters of a commit's hash a tag may have: more only where fewer are taken by another commit. */
const hashLengths = [7, 10, 14, 20, 28, 40] as const;

/**
 * The tag of an image: `<prefix>-<branch>-<sha7>`. A branch that is no tag by itself is made one, and then carries a short hash of its real name, so that `feature/a` and
 * `feature-a` do not collide. Tags that differ in case alone are different ones, as the distribution specification has it.
 * @param ref branch or tag; null leaves that part out
 * @param options.hashLength characters of the commit's hash (7)
 * @param options.suffix stands at the end; it counts as part of the tag's length
 */
export function imageTag(
  prefix: string,
  ref: string | null,
  commit: string,
  options: { hashLength?: number; suffix?: string } = {},
): string {
  const sha = commit.slice(0, options.hashLength ?? hashLengths[0]);
  const before = `${prefix}-`;
  const after = `${sha}${options.suffix ?? ""}`;
  if (ref === null) return `${before}${after}`;
  return `${before}${safePart(ref, longestTag - platformRoom - before.length - after.length - 1)}-${after}`;
}

/** The tags that an image of a commit may have, the shortest first. */
export function imageTags(prefix: string, ref: string | null, commit: string, suffix = ""): string[] {
  return hashLengths.map((hashLength) => imageTag(prefix, ref, commit, { hashLength, suffix }));
}

/**
 * Whether a tag with the beginning of a commit's hash is another's: of another commit whose hash begins the same, or of something that names no commit and so was
 * not made here. An image of a commit that begins otherwise got the tag because nothing in it had changed since.
 * @param found the commit that the image names which has the tag now; null for none
 */
export function isAnothers(commit: string, found: string | null): boolean {
  if (found === null) return true;
  return found !== commit && found.slice(0, hashLengths[0]) === commit.slice(0, hashLengths[0]);
}

function safePart(ref: string, room: number): string {
  const safe = ref.replaceAll(/[^A-Za-z0-9_.-]+/g, "-");
  if (safe === ref && ref.length <= room) return ref;
  const hash = createHash("sha256").update(ref).digest("hex").slice(0, 6);
  return `${safe.slice(0, room - hash.length - 1)}-${hash}`;
}
