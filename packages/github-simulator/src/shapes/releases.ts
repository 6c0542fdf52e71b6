import type { Release } from "../state/types.ts";
import type { World } from "../state/world.ts";
import { accountShape, nodeId, repositoryApi, repositoryWeb, type Shape, time } from "./base.ts";

export function releaseShape(world: World, release: Release): Shape {
  const { id, tag, draft, publishedAt } = release;
  const own = `${repositoryApi(world)}/releases/${id}`;
  const at = encodeURIComponent(tag);
  return {
    ...{ url: own, html_url: `${repositoryWeb(world)}/releases/tag/${at}`, assets_url: `${own}/assets` },
    upload_url: `${own.replace(world.api, "https://uploads.github.com")}/assets{?name,label}`,
    // A draft has no tag yet from which to pack anything.
    tarball_url: draft ? null : `${repositoryApi(world)}/tarball/${at}`,
    zipball_url: draft ? null : `${repositoryApi(world)}/zipball/${at}`,
    ...{ id, node_id: nodeId("Release", id), tag_name: tag, target_commitish: release.target, name: release.name },
    ...{ body: release.body, draft, prerelease: release.prerelease, immutable: false, assets: [] },
    ...{ author: accountShape(world, release.author), created_at: time(release.createdAt) },
    ...{ published_at: publishedAt === null ? null : time(publishedAt), updated_at: time(release.updatedAt) },
  };
}
