import type { Commit } from "../git/types.ts";
import { repositoryWeb, type Shape } from "../shapes/base.ts";
import { commitWeb } from "../shapes/commits.ts";
import type { World } from "../state/world.ts";
import type { Account } from "../types.ts";

const nothing = "0".repeat(40);
/** GitHub lists no more in one push. */
const mostCommits = 2048;

/** Tells that a branch or tag came, moved or went. A null hash: there was none, or there is none any more. */
export async function tellPush(
  world: World,
  push: { readonly ref: string; readonly before: string | null; readonly after: string | null },
  by: Account,
): Promise<void> {
  const { ref, before, after } = push;
  const isTag = ref.startsWith("refs/tags/");
  const named = { ref: ref.replace(/^refs\/(heads|tags)\//, ""), ref_type: isTag ? "tag" : "branch" };
  const { defaultBranch } = world.repository;
  if (before === null)
    world.tell("create", { ...named, master_branch: defaultBranch, description: null, pusher_type: "user" }, by);
  if (after === null) world.tell("delete", { ...named, pusher_type: "user" }, by);
  const moved = before !== null && after !== null && !isTag;
  const forced = moved && (await world.git.mergeBase(before, after)) !== before;
  const commits = moved ? (await world.git.between(before, after, mostCommits)).toReversed() : [];
  const sha = after === null ? null : await world.git.resolve(after);
  const head = sha === null ? null : await world.git.read(sha);
  world.tell(
    "push",
    {
      ...{ ref, before: before ?? nothing, after: after ?? nothing },
      ...{ created: before === null, deleted: after === null, forced, base_ref: null },
      compare: `${repositoryWeb(world)}/compare/${before ?? nothing}...${after ?? nothing}`,
      pusher: { name: by.login, email: `${by.login}@example.com` },
      commits: await Promise.all(commits.map((commit) => pushedCommit(world, commit))),
      head_commit: head === null ? null : await pushedCommit(world, head),
    },
    by,
  );
}

async function pushedCommit(world: World, commit: Commit): Promise<Shape> {
  const [parent] = commit.parents;
  const files = parent === undefined ? [] : await world.git.changedFiles(parent, commit.sha);
  const paths = (status: string): string[] => files.filter((file) => file.status === status).map(({ path }) => path);
  return {
    ...{ id: commit.sha, tree_id: commit.tree, distinct: true, message: commit.message },
    ...{ timestamp: commit.committer.date, url: commitWeb(world, commit.sha) },
    ...{ author: commit.author, committer: commit.committer },
    ...{ added: paths("added"), removed: paths("removed"), modified: [...paths("modified"), ...paths("renamed")] },
  };
}
