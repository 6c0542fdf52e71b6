import { releaseShape } from "../shapes/releases.ts";
import { addRelease, latestRelease, publishRelease } from "../state/releases.ts";
import type { Release } from "../state/types.ts";
import type { World } from "../state/world.ts";
import { type Answer, type Asked, invalid, newestFirst, notFound, type Route } from "./types.ts";

const all = "/repos/{owner}/{repo}/releases";
const one = `${all}/{release_id}`;

export const releaseRoutes: readonly Route[] = [
  {
    name: `GET ${all}`,
    needs: ["contents:read"],
    answer: (asked, world) =>
      // Drafts are for those who may write.
      newestFirst(
        world.releases.filter(({ draft }) => !draft || seesDrafts(asked, world)),
        (release) => releaseShape(world, release),
      ),
  },
  { name: `POST ${all}`, needs: ["contents:write"], answer: create },
  {
    name: `GET ${all}/latest`,
    needs: ["contents:read"],
    answer: (_asked, world) => shown(world, latestRelease(world)),
  },
  {
    name: `GET ${all}/tags/{tag}`,
    needs: ["contents:read"],
    answer: ({ path }, world) =>
      shown(world, world.releases.find(({ tag, draft }) => tag === path["tag"] && !draft) ?? null),
  },
  { name: `GET ${one}`, needs: ["contents:read"], answer: (asked, world) => shown(world, found(asked, world)) },
  { name: `PATCH ${one}`, needs: ["contents:write"], answer: update },
  {
    name: `DELETE ${one}`,
    needs: ["contents:write"],
    answer: (asked, world) => {
      world.releases.splice(world.releases.indexOf(found(asked, world)), 1);
      return { status: 204 };
    },
  },
];

type Wanted = {
  readonly tag_name?: string;
  readonly target_commitish?: string;
  readonly name?: string;
  readonly body?: string;
  readonly draft?: boolean;
  readonly prerelease?: boolean;
};

async function create({ body, caller }: Asked, world: World): Promise<Answer> {
  const wanted = body as Wanted;
  const tag = wanted.tag_name ?? "";
  if (world.releases.some((release) => release.tag === tag && !release.draft))
    throw invalid("Release", "tag_name", "already_exists");
  const release = await addRelease(world, {
    ...{ tag, target: wanted.target_commitish ?? world.repository.defaultBranch, name: wanted.name ?? null },
    ...{ body: wanted.body ?? null, draft: wanted.draft ?? false, prerelease: wanted.prerelease ?? false },
    author: caller.account,
  });
  if (release === null) throw invalid("Release", "target_commitish", "invalid");
  return { status: 201, body: releaseShape(world, release) };
}

async function update(asked: Asked, world: World): Promise<Answer> {
  const release = found(asked, world);
  const wanted = asked.body as Wanted;
  Object.assign(release, {
    tag: wanted.tag_name ?? release.tag,
    target: wanted.target_commitish ?? release.target,
    name: wanted.name ?? release.name,
    body: wanted.body ?? release.body,
    prerelease: wanted.prerelease ?? release.prerelease,
    updatedAt: world.clock.now(),
  });
  if (wanted.draft === false && !(await publishRelease(world, release, asked.caller.account)))
    throw invalid("Release", "target_commitish", "invalid");
  return { status: 200, body: releaseShape(world, release) };
}

function seesDrafts({ caller }: Asked, world: World): boolean {
  if (caller.permissions !== null) return caller.permissions.contents === "write";
  return ["admin", "maintain", "write"].includes(world.accounts.get(caller.account.login)?.role ?? "none");
}

function shown(world: World, release: Release | null): Answer {
  if (release === null) throw notFound();
  return { status: 200, body: releaseShape(world, release) };
}

function found(asked: Asked, world: World): Release {
  const release = world.releases.find(({ id }) => id === Number(asked.path["release_id"]));
  if (release === undefined || (release.draft && !seesDrafts(asked, world))) throw notFound();
  return release;
}
