import { statusShape, simpleStatusShape } from "../shapes/statuses.ts";
import { minimalRepository } from "../shapes/repository.ts";
import { repositoryApi } from "../shapes/base.ts";
import { combinedState, newestStatuses } from "../state/contexts.ts";
import { addCommitStatus } from "../state/statuses.ts";
import type { CommitState } from "../state/types.ts";
import type { World } from "../state/world.ts";
import { type Answer, type Asked, invalid, listed, newestFirst, Refusal, type Route } from "./types.ts";

export const statusRoutes: readonly Route[] = [
  { name: "POST /repos/{owner}/{repo}/statuses/{sha}", needs: ["statuses:write"], answer: create },
  { name: "GET /repos/{owner}/{repo}/commits/{ref}/status", needs: ["statuses:read"], answer: combined },
  {
    name: "GET /repos/{owner}/{repo}/commits/{ref}/statuses",
    needs: ["statuses:read"],
    answer: async (asked, world) => {
      const sha = await commitOf(asked, world);
      return newestFirst(
        world.commitStatuses.filter((status) => status.sha === sha),
        (status) => statusShape(world, status),
      );
    },
  },
];

async function create({ path, body, caller }: Asked, world: World): Promise<Answer> {
  const wanted = body as {
    state: CommitState;
    context?: string;
    description?: string | null;
    target_url?: string | null;
  };
  const given = path["sha"] ?? "";
  const sha = /^[0-9a-f]{40}$/.test(given) ? await world.git.resolve(given) : null;
  if (sha === null) throw new Refusal(422, `No commit found for SHA: ${given}`);
  if ((wanted.description ?? "").length > 140)
    throw invalid("Status", "description", "custom", "description is too long (maximum is 140 characters)");
  const context = wanted.context ?? "default";
  if (world.commitStatuses.filter((status) => status.sha === sha && status.context === context).length >= 1000)
    throw invalid("Status", "base", "custom", "This SHA and context has reached the maximum number of statuses.");
  const status = await addCommitStatus(world, {
    ...{ sha, context, state: wanted.state, description: wanted.description ?? null },
    ...{ targetUrl: wanted.target_url ?? null, creator: caller.account },
  });
  return { status: 201, body: statusShape(world, status) };
}

/** The state stands for all contexts, whatever page of them is shown. */
async function combined(asked: Asked, world: World): Promise<Answer> {
  const sha = await commitOf(asked, world);
  const statuses = newestStatuses(world, sha);
  const own = `${repositoryApi(world)}/commits/${sha}`;
  const beside = {
    ...{ state: combinedState(statuses), sha, total_count: statuses.length, repository: minimalRepository(world) },
    ...{ commit_url: own, url: `${own}/status` },
  };
  const { list } = listed(statuses, (status) => simpleStatusShape(world, status), "statuses");
  return { status: 200, list: { ...list, beside } };
}

/** The commit that a path names; GitHub answers 422 for a reference that is none. */
export async function commitOf({ path }: Asked, { git }: World): Promise<string> {
  const ref = path["ref"] ?? "";
  const sha = await git.resolve(ref);
  if (sha === null) throw new Refusal(422, `No commit found for SHA: ${ref}`);
  return sha;
}
