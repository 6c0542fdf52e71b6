import { refShape } from "../shapes/commits.ts";
import type { Ref } from "../git/types.ts";
import type { World } from "../state/world.ts";
import { noticePushes } from "../state/pushes.ts";
import { type Answer, type Asked, listed, notFound, Refusal, type Route } from "./types.ts";

const refs = "/repos/{owner}/{repo}/git/refs";

export const refRoutes: readonly Route[] = [
  {
    name: "GET /repos/{owner}/{repo}/git/ref/{ref}",
    needs: ["contents:read"],
    answer: async (asked, world) => ({ status: 200, body: refShape(world, await found(asked, world)) }),
  },
  {
    name: "GET /repos/{owner}/{repo}/git/matching-refs/{ref}",
    needs: ["contents:read"],
    answer: async ({ path }, world) =>
      listed(await world.git.refs(`refs/${path["ref"] ?? ""}`), (ref) => refShape(world, ref)),
  },
  { name: `POST ${refs}`, needs: ["contents:write"], answer: create },
  { name: `PATCH ${refs}/{ref}`, needs: ["contents:write"], answer: update },
  {
    name: `DELETE ${refs}/{ref}`,
    needs: ["contents:write"],
    answer: async (asked, world) => {
      const ref = await found(asked, world, "Reference does not exist");
      await world.git.setRef(ref.name, null);
      await noticePushes(world, asked.caller.account);
      return { status: 204 };
    },
  },
];

async function create({ body, caller }: Asked, world: World): Promise<Answer> {
  const { ref: name, sha } = body as { ref: string; sha: string };
  if (!/^refs\/[^/]+\/./.test(name)) throw new Refusal(422, "Reference name must start with 'refs/'.");
  if ((await world.git.refs(name)).some((ref) => ref.name === name)) throw new Refusal(422, "Reference already exists");
  if (!/^[0-9a-f]{40}$/.test(sha) || (await world.git.resolve(sha)) === null)
    throw new Refusal(422, "Object does not exist");
  await world.git.setRef(name, sha);
  await noticePushes(world, caller.account);
  return { status: 201, body: refShape(world, { name, sha, type: "commit" }) };
}

async function update(asked: Asked, world: World): Promise<Answer> {
  const { sha, force = false } = asked.body as { sha: string; force?: boolean };
  const ref = await found(asked, world, "Reference does not exist");
  const before = await world.git.resolve(ref.name);
  if (!/^[0-9a-f]{40}$/.test(sha) || (await world.git.resolve(sha)) === null)
    throw new Refusal(422, "Object does not exist");
  const forward = before !== null && (await world.git.mergeBase(before, sha)) === before;
  if (!forward && !force) throw new Refusal(422, "Update is not a fast forward");
  await world.git.setRef(ref.name, sha);
  await noticePushes(world, asked.caller.account);
  return { status: 200, body: refShape(world, { ...ref, sha, type: "commit" }) };
}

async function found({ path }: Asked, world: World, otherwise?: string): Promise<Ref> {
  const name = `refs/${path["ref"] ?? ""}`;
  const ref = (await world.git.refs(name)).find((one) => one.name === name);
  if (ref !== undefined) return ref;
  throw otherwise === undefined ? notFound() : new Refusal(422, otherwise);
}
