import { releaseShape } from "../shapes/releases.ts";
import type { Account } from "../types.ts";
import { noticePushes } from "./pushes.ts";
import type { Release } from "./types.ts";
import type { World } from "./world.ts";

export type NewRelease = {
  readonly tag: string;
  /** Branch or commit that the tag is made from where there is none. */
  readonly target: string;
  readonly name: string | null;
  readonly body: string | null;
  readonly draft: boolean;
  readonly prerelease: boolean;
  readonly author: Account;
};

/** @returns null where neither tag nor target names a commit */
export async function addRelease(world: World, about: NewRelease): Promise<Release | null> {
  const now = world.clock.now();
  const release: Release = {
    id: world.nextId(),
    ...about,
    draft: true,
    createdAt: now,
    publishedAt: null,
    updatedAt: now,
  };
  if (!about.draft && !(await madeTag(world, release, about.author))) return null;
  world.releases.push(release);
  tell(world, release, "created", about.author);
  if (!about.draft) published(world, release, about.author);
  return release;
}

/** Makes a draft public, with its tag. @returns false where the tag cannot be made */
export async function publishRelease(world: World, release: Release, by: Account): Promise<boolean> {
  if (!release.draft) return true;
  if (!(await madeTag(world, release, by))) return false;
  published(world, release, by);
  return true;
}

function published(world: World, release: Release, by: Account): void {
  release.draft = false;
  release.publishedAt = world.clock.now();
  release.updatedAt = release.publishedAt;
  tell(world, release, "published", by);
}

async function madeTag(world: World, { tag, target }: Release, by: Account): Promise<boolean> {
  const { git } = world;
  if ((await git.resolve(`refs/tags/${tag}`)) !== null) return true;
  const sha = await git.resolve(target);
  if (sha === null) return false;
  await git.setRef(`refs/tags/${tag}`, sha);
  await noticePushes(world, by);
  return true;
}

/** The newest published release that is no prerelease, which GitHub calls the latest. */
export function latestRelease({ releases }: World): Release | null {
  const candidates = releases.filter(({ draft, prerelease }) => !draft && !prerelease);
  return candidates.toSorted((one, other) => one.createdAt.getTime() - other.createdAt.getTime()).at(-1) ?? null;
}

function tell(world: World, release: Release, action: "created" | "published", by: Account): void {
  // Webhooks know nothing of drafts that are only saved but their making.
  world.tell("release", { action, release: releaseShape(world, release) }, by);
}
