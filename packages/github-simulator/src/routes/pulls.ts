import { commitShape, fileShape } from "../shapes/commits.ts";
import { pullShape, simplePullShape } from "../shapes/pulls.ts";
import { closePull, mergePull, openPull, reopenPull } from "../state/pulls.ts";
import { noticePushes, refreshPull } from "../state/pushes.ts";
import type { Pull } from "../state/types.ts";
import type { World } from "../state/world.ts";
import { commitOf } from "./statuses.ts";
import { type Answer, type Asked, invalid, listed, notFound, Refusal, type Refused, type Route } from "./types.ts";

const all = "/repos/{owner}/{repo}/pulls";
const one = `${all}/{pull_number}`;

export const pullRoutes: readonly Route[] = [
  { name: `GET ${all}`, needs: ["pull_requests:read"], answer: list },
  { name: `POST ${all}`, needs: ["pull_requests:write"], answer: create },
  {
    name: `GET ${one}`,
    needs: ["pull_requests:read"],
    answer: async (asked, world) => ({ status: 200, body: await pullShape(world, await foundPull(asked, world)) }),
  },
  { name: `PATCH ${one}`, needs: ["pull_requests:write"], answer: update },
  { name: `PUT ${one}/merge`, needs: ["contents:write"], answer: merge },
  {
    name: `GET ${one}/merge`,
    needs: ["pull_requests:read"],
    answer: async (asked, world) => {
      if ((await foundPull(asked, world)).mergedAt === null) throw notFound();
      return { status: 204 };
    },
  },
  {
    name: `GET ${one}/commits`,
    needs: ["pull_requests:read"],
    answer: async (asked, world) => {
      const commits = await commitsOf(world, await foundPull(asked, world));
      return listed(commits.toReversed(), (commit) => commitShape(world, commit));
    },
  },
  {
    name: `GET ${one}/files`,
    needs: ["pull_requests:read"],
    answer: async (asked, world) => {
      const pull = await foundPull(asked, world);
      const common = await world.git.mergeBase(pull.baseSha, pull.headSha);
      const files = common === null ? [] : await world.git.changedFiles(common, pull.headSha);
      return listed(files, (file) => fileShape(world, file, pull.headSha));
    },
  },
  { name: "GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls", needs: ["pull_requests:read"], answer: ofCommit },
];

async function list({ query, caller }: Asked, world: World): Promise<Answer> {
  await noticePushes(world, caller.account);
  const { state = "open", head, base, sort = "created" } = query;
  const matching = world.pulls.filter(
    (pull) =>
      (state === "all" || pull.state === state) &&
      (head === undefined || simplePullHead(world, pull) === head) &&
      (base === undefined || pull.base === base),
  );
  const key = sort === "updated" ? "updatedAt" : "createdAt";
  const sorted = matching.toSorted((first, second) => first[key].getTime() - second[key].getTime());
  const direction = query["direction"] ?? "desc";
  return listed(direction === "desc" ? sorted.reverse() : sorted, (pull) => simplePullShape(world, pull));
}

function simplePullHead({ repository }: World, pull: Pull): string {
  return `${pull.fork ? pull.author.login : repository.owner}:${pull.head}`;
}

async function create({ body, caller }: Asked, world: World): Promise<Answer> {
  const wanted = body as { title?: string; head: string; base: string; body?: string; draft?: boolean };
  const head = wanted.head.replace(`${world.repository.owner}:`, "");
  const headSha = await world.git.resolve(`refs/heads/${head}`);
  const baseSha = await world.git.resolve(`refs/heads/${wanted.base}`);
  const problems: Refused[] = [];
  if (headSha === null) problems.push({ resource: "PullRequest", field: "head", code: "invalid" });
  if (baseSha === null) problems.push({ resource: "PullRequest", field: "base", code: "invalid" });
  if (headSha === null || baseSha === null) throw new Refusal(422, "Validation Failed", problems);
  const custom = (message: string): Refusal =>
    new Refusal(422, "Validation Failed", [{ resource: "PullRequest", code: "custom", message }]);
  if (world.pulls.some((pull) => pull.state === "open" && pull.head === head && pull.base === wanted.base))
    throw custom(`A pull request already exists for ${world.repository.owner}:${head}.`);
  if ((await world.git.between(baseSha, headSha, 1)).length === 0)
    throw custom(`No commits between ${wanted.base} and ${head}`);
  const pull = await openPull(world, {
    ...{ title: wanted.title ?? "", body: wanted.body ?? null, draft: wanted.draft ?? false, fork: false },
    ...{ head, headSha, base: wanted.base, baseSha, author: caller.account },
  });
  return { status: 201, body: await pullShape(world, pull) };
}

async function update(asked: Asked, world: World): Promise<Answer> {
  const pull = await foundPull(asked, world);
  const wanted = asked.body as { title?: string; body?: string; state?: "open" | "closed"; base?: string };
  if (wanted.base !== undefined && (await world.git.resolve(`refs/heads/${wanted.base}`)) === null)
    throw invalid("PullRequest", "base", "invalid");
  pull.title = wanted.title ?? pull.title;
  pull.body = wanted.body ?? pull.body;
  pull.base = wanted.base ?? pull.base;
  pull.updatedAt = world.clock.now();
  if (pull.state === "open") await refreshPull(world, pull);
  if (wanted.state === "closed") await closePull(world, pull, asked.caller.account);
  if (wanted.state === "open") await reopenPull(world, pull, asked.caller.account);
  return { status: 200, body: await pullShape(world, pull) };
}

async function merge(asked: Asked, world: World): Promise<Answer> {
  const pull = await foundPull(asked, world);
  const wanted = asked.body as { sha?: string; merge_method?: string; commit_title?: string; commit_message?: string };
  if (wanted.sha !== undefined && wanted.sha !== pull.headSha)
    throw new Refusal(409, "Head branch was modified. Review and try the merge again.");
  const method = wanted.merge_method ?? "merge";
  if (method !== "merge" && method !== "squash")
    throw new Refusal(405, "Rebase merges are not allowed on this repository.");
  const { commit_title: title, commit_message: text } = wanted;
  const message = title === undefined ? null : text === undefined ? title : `${title}\n\n${text}`;
  const sha = pull.draft ? null : await mergePull(world, pull, { method, message, by: asked.caller.account });
  if (sha === null) throw new Refusal(405, "Pull Request is not mergeable");
  return { status: 200, body: { sha, merged: true, message: "Pull Request successfully merged" } };
}

/** The pull requests that brought a commit: merged ones, and open ones while it is not in the default branch. */
async function ofCommit(asked: Asked, world: World): Promise<Answer> {
  const sha = await commitOf({ ...asked, path: { ref: asked.path["commit_sha"] ?? "" } }, world);
  const main = await world.git.resolve(`refs/heads/${world.repository.defaultBranch}`);
  const isMerged = main !== null && (await world.git.mergeBase(sha, main)) === sha;
  const found: Pull[] = [];
  for (const pull of world.pulls) {
    if (pull.mergedAt === null && (isMerged || pull.state === "closed")) continue;
    if (pull.mergeCommit === sha || (await commitsOf(world, pull)).some((commit) => commit.sha === sha))
      found.push(pull);
  }
  return listed(found, (pull) => simplePullShape(world, pull));
}

async function commitsOf({ git }: World, { baseSha, headSha }: Pull): ReturnType<World["git"]["between"]> {
  return await git.between(await git.mergeBase(baseSha, headSha), headSha, 250);
}

/** The pull request, as it is after everything that was pushed. */
export async function foundPull({ path, caller }: Asked, world: World): Promise<Pull> {
  await noticePushes(world, caller.account);
  const number = Number(path["pull_number"] ?? path["issue_number"]);
  const pull = world.pulls.find((candidate) => candidate.number === number);
  if (pull === undefined) throw notFound();
  return pull;
}
