import { pullShape } from "../shapes/pulls.ts";
import type { Account } from "../types.ts";
import { tellPush } from "../webhooks/pushes.ts";
import type { Pull } from "./types.ts";
import type { World } from "./world.ts";

/**
 * Looks at what was pushed since the last look, through the API or with git itself: tells the hooks, and brings the pull requests up
 * to date.
 */
export async function noticePushes(world: World, by: Account): Promise<void> {
  const now = new Map(
    (await world.git.refs("refs/"))
      .filter(({ name }) => /^refs\/(heads|tags)\//.test(name))
      .map((ref) => [ref.name, ref.sha]),
  );
  const before = new Map(world.refs);
  world.refs.clear();
  for (const [name, sha] of now) world.refs.set(name, sha);
  for (const name of new Set([...before.keys(), ...now.keys()])) {
    const change = { ref: name, before: before.get(name) ?? null, after: now.get(name) ?? null };
    if (change.before === change.after) continue;
    if (world.hooks.length > 0) await tellPush(world, change, by);
    for (const pull of world.pulls)
      if (pull.state === "open" && name === `refs/heads/${pull.head}` && !pull.fork && change.after !== null)
        await headMoved(world, pull, change.after, by);
      else if (pull.state === "open" && name === `refs/heads/${pull.base}`) await refreshPull(world, pull);
  }
}

/** The head of a pull request is another commit. */
export async function headMoved(world: World, pull: Pull, sha: string, by: Account): Promise<void> {
  const before = pull.headSha;
  if (before === sha) return;
  pull.headSha = sha;
  pull.updatedAt = world.clock.now();
  await refreshPull(world, pull);
  const shape = await pullShape(world, pull);
  world.tell(
    "pull_request",
    { action: "synchronize", number: pull.number, before, after: sha, pull_request: shape },
    by,
  );
}

/** Makes `refs/pull/<n>/head` and the merge that workflows of pull requests run with, where there is no conflict. */
export async function refreshPull({ git, clock }: World, pull: Pull): Promise<void> {
  const base = await git.resolve(`refs/heads/${pull.base}`);
  await git.setRef(`refs/pull/${pull.number}/head`, pull.headSha);
  if (base === null) return;
  pull.baseSha = base;
  const about = { message: `Merge ${pull.headSha} into ${base}`, author: github, at: clock.now() };
  pull.mergeCommit = await git.merge(base, pull.headSha, about);
  if (pull.mergeCommit !== null) await git.setRef(`refs/pull/${pull.number}/merge`, pull.mergeCommit);
}

/** Who commits what GitHub itself merges. */
export const github = { name: "GitHub", email: "noreply@github.com" };
