import * as z from "zod";
import type { ReleaseEntry } from "../ledger/types.ts";

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const text = z.string();

/** What every part that is given a release relies on. A later Shiplock may add to it. */
const release = z.looseObject({
  ...{ version: z.literal(1), id: text, project: text, commit: text, commitTime: z.iso.datetime({ offset: true }) },
  ...{ createdAt: z.iso.datetime({ offset: true }), subject: text, dirty: z.boolean() },
  ...{ ref: text.nullable(), environment: text.nullable(), origin: text.nullable() },
  images: z.record(
    z.string(),
    z.looseObject({
      ...{ name: text, repository: text, tag: text, digest, from: z.enum(["registry", "engine"]) },
      ...{ environment: text.nullable(), builtOn: text.nullable(), inputs: text.nullable() },
      platforms: z.record(z.string(), z.looseObject({ manifest: digest, config: digest })),
    }),
  ),
});

/**
 * Whether a release that another machine recorded where others may write is taken for one: it is whole, is about what it was recorded for, and has its images where this project
 * has them. An image is built once and found again by what made it; so whoever could name any image here could have it deployed.
 * @param repositories by the images' names
 */
export function isSharedRelease(
  { id, project, commit, payload }: ReleaseEntry,
  repositories: Readonly<Record<string, string>>,
): boolean {
  const read = release.safeParse(payload);
  if (!read.success) return false;
  const told = read.data;
  if (told.id !== id || told.project !== project || told.commit !== commit) return false;
  return Object.entries(told.images).every(
    ([name, image]) =>
      image.name === name && Object.hasOwn(repositories, name) && image.repository === repositories[name],
  );
}
