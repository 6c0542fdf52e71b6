import type { CommitStatus } from "../state/types.ts";
import type { World } from "../state/world.ts";
import { accountShape, nodeId, repositoryApi, type Shape, time } from "./base.ts";
import { commitShape } from "./commits.ts";

export function statusShape(world: World, status: CommitStatus): Shape {
  return { ...simpleStatusShape(world, status), creator: accountShape(world, status.creator) };
}

/** As the combined status has them: without who said it. */
export function simpleStatusShape(world: World, status: CommitStatus): Shape {
  const { id, sha, state, description, context, targetUrl, createdAt, creator } = status;
  return {
    ...{ url: `${repositoryApi(world)}/statuses/${sha}`, id, node_id: nodeId("StatusContext", id), state },
    avatar_url: `https://avatars.githubusercontent.com/u/${creator.id}?v=4`,
    ...{ description, target_url: targetUrl, context, created_at: time(createdAt), updated_at: time(createdAt) },
  };
}

/** What the hook `status` is told, besides repository and sender. */
export async function statusEvent(world: World, status: CommitStatus): Promise<Shape> {
  const { id, sha, state, description, context, targetUrl, createdAt } = status;
  const commit = await world.git.read(sha);
  const heads = (await world.git.refs("refs/heads/")).filter((ref) => ref.sha === sha);
  return {
    ...{ id, sha, name: `${world.repository.owner}/${world.repository.name}`, target_url: targetUrl, context },
    ...{ description, state, created_at: time(createdAt), updated_at: time(createdAt) },
    commit: commit === null ? null : commitShape(world, commit),
    branches: heads.map((ref) => ({
      name: ref.name.slice("refs/heads/".length),
      commit: { sha, url: `${repositoryApi(world)}/commits/${sha}` },
      protected: false,
    })),
  };
}
