import { commitShape, fileShape, gitCommitShape } from "../shapes/commits.ts";
import { nodeId, repositoryApi, repositoryWeb } from "../shapes/base.ts";
import type { Commit, Ref } from "../git/types.ts";
import type { World } from "../state/world.ts";
import { commitOf } from "./statuses.ts";
import { type Answer, type Asked, listed, notFound, Refusal, type Route } from "./types.ts";

const here = "/repos/{owner}/{repo}";
/** GitHub shows no more commits and files in a comparison. */
const mostCompared = { commits: 250, files: 300 };

export const commitRoutes: readonly Route[] = [
  { name: `GET ${here}/commits`, needs: ["contents:read"], answer: list },
  { name: `GET ${here}/commits/{ref}`, needs: ["contents:read"], answer: one },
  { name: `GET ${here}/compare/{basehead}`, needs: ["contents:read"], answer: compare },
  {
    name: `GET ${here}/git/commits/{commit_sha}`,
    needs: ["contents:read"],
    answer: async ({ path }, world) => {
      const sha = path["commit_sha"] ?? "";
      const commit = /^[0-9a-f]{40}$/.test(sha) ? await world.git.read(sha) : null;
      if (commit === null) throw notFound();
      return { status: 200, body: gitCommitShape(world, commit) };
    },
  },
  {
    name: `GET ${here}/branches`,
    needs: ["contents:read"],
    answer: async ({ query }, world) => {
      const wanted = query["protected"];
      const heads = (await world.git.refs("refs/heads/")).map((ref) => ({ ref, name: named(ref) }));
      const matching = heads.filter(({ name }) => wanted === undefined || world.protectedBranches.has(name) === wanted);
      return listed(matching, ({ ref, name }) => ({
        ...{ name, commit: { sha: ref.sha, url: `${repositoryApi(world)}/commits/${ref.sha}` } },
        protected: world.protectedBranches.has(name),
      }));
    },
  },
  { name: `GET ${here}/branches/{branch}`, needs: ["contents:read"], answer: branch },
  {
    name: `GET ${here}/tags`,
    needs: ["contents:read"],
    answer: async (_asked, world) => {
      const api = repositoryApi(world);
      // GitHub sorts them by name, backwards.
      const tags = (await world.git.refs("refs/tags/")).toReversed();
      const commits = await Promise.all(
        tags.map(async (ref) => ({ ref, sha: (await world.git.resolve(ref.name)) ?? ref.sha })),
      );
      return listed(commits, ({ ref, sha }) => ({
        ...{ name: named(ref), commit: { sha, url: `${api}/commits/${sha}` }, node_id: nodeId("Ref", ref.name) },
        ...{ zipball_url: `${api}/zipball/${ref.name}`, tarball_url: `${api}/tarball/${ref.name}` },
      }));
    },
  },
  { name: `GET ${here}/contents/{path}`, needs: ["contents:read"], answer: content },
];

async function list(asked: Asked, world: World): Promise<Answer> {
  const {
    sha: ref = world.repository.defaultBranch,
    path,
    since,
    until,
    ...others
  } = asked.query as Record<string, string>;
  if (others["author"] !== undefined || others["committer"] !== undefined)
    throw new Error("the simulator lists commits by branch, path and time only");
  const sha = await world.git.resolve(ref);
  if (sha === null) throw notFound();
  const commits = await world.git.history(sha, {
    ...(path !== undefined && { path }),
    ...(since !== undefined && { since }),
    ...(until !== undefined && { until }),
  });
  return listed(commits, (commit) => commitShape(world, commit));
}

async function one(asked: Asked, world: World): Promise<Answer> {
  const commit = await world.git.read(await commitOf(asked, world));
  if (commit === null) throw notFound();
  const [parent] = commit.parents;
  const files = parent === undefined ? [] : await world.git.changedFiles(parent, commit.sha);
  const sum = (of: "additions" | "deletions"): number => files.reduce((total, file) => total + file[of], 0);
  const [additions, deletions] = [sum("additions"), sum("deletions")];
  return {
    status: 200,
    body: {
      ...commitShape(world, commit),
      stats: { additions, deletions, total: additions + deletions },
      files: files.map((file) => fileShape(world, file, commit.sha)),
    },
  };
}

async function compare({ path, query }: Asked, world: World): Promise<Answer> {
  const { git } = world;
  const [from = "", to = ""] = (path["basehead"] ?? "").split("...");
  const [base, head] = [await git.resolve(from), await git.resolve(to)];
  if (base === null || head === null) throw notFound();
  const common = await git.mergeBase(base, head);
  if (common === null) throw new Refusal(404, `No common ancestor between ${from} and ${to}.`);
  const ahead = await git.between(base, head, 10_000);
  const behind = await git.between(head, base, 10_000);
  const read = async (sha: string): Promise<Commit> => {
    const commit = await git.read(sha);
    if (commit === null) throw notFound();
    return commit;
  };
  const files = await git.changedFiles(common, head);
  const own = `${repositoryApi(world)}/compare/${from}...${to}`;
  const html = `${repositoryWeb(world)}/compare/${from}...${to}`;
  const diverged = behind.length > 0 ? "diverged" : "ahead";
  const beside = {
    ...{ url: own, html_url: html, permalink_url: html, diff_url: `${html}.diff`, patch_url: `${html}.patch` },
    base_commit: commitShape(world, await read(base)),
    merge_base_commit: commitShape(world, await read(common)),
    status: ahead.length > 0 ? diverged : behind.length > 0 ? "behind" : "identical",
    ...{ ahead_by: ahead.length, behind_by: behind.length, total_commits: ahead.length },
    // Files are on the first page alone.
    ...((query["page"] ?? 1) === 1 && {
      files: files.slice(0, mostCompared.files).map((file) => fileShape(world, file, head)),
    }),
  };
  // Oldest first, unlike lists of commits.
  const { list: commits } = listed(ahead.toReversed(), (commit) => commitShape(world, commit), "commits");
  return { status: 200, list: { ...commits, beside, perPage: mostCompared.commits } };
}

async function branch({ path }: Asked, world: World): Promise<Answer> {
  const name = path["branch"] ?? "";
  const ref = (await world.git.refs("refs/heads/")).find((head) => named(head) === name);
  const commit = ref === undefined ? null : await world.git.read(ref.sha);
  if (commit === null) throw new Refusal(404, "Branch not found");
  const own = `${repositoryApi(world)}/branches/${encodeURIComponent(name)}`;
  return {
    status: 200,
    body: {
      ...{ name, commit: commitShape(world, commit), protected: world.protectedBranches.has(name) },
      _links: { self: own, html: `${repositoryWeb(world)}/tree/${encodeURIComponent(name)}` },
      ...{ protection: { enabled: world.protectedBranches.has(name) }, protection_url: `${own}/protection` },
    },
  };
}

async function content({ path, query }: Asked, world: World): Promise<Answer> {
  const name = path["path"] ?? "";
  const ref = typeof query["ref"] === "string" ? query["ref"] : world.repository.defaultBranch;
  const sha = await world.git.resolve(ref);
  if (sha === null) throw new Refusal(404, `No commit found for the ref ${ref}`);
  const file = await world.git.file(sha, name);
  if (file === null) throw notFound();
  const own = `${repositoryApi(world)}/contents/${name}?ref=${encodeURIComponent(ref)}`;
  const git = `${repositoryApi(world)}/git/blobs/${file.sha}`;
  const html = `${repositoryWeb(world)}/blob/${ref}/${name}`;
  return {
    status: 200,
    body: {
      ...{ type: "file", name: name.split("/").at(-1), path: name, sha: file.sha, size: file.content.length },
      ...{ encoding: "base64", content: file.content.toString("base64").replaceAll(/.{60}/g, "$&\n") },
      ...{ url: own, git_url: git, html_url: html, download_url: `${repositoryWeb(world)}/raw/${ref}/${name}` },
      _links: { self: own, git, html },
    },
  };
}

/** A branch's or tag's name without `refs/heads/`. */
function named({ name }: Ref): string {
  return name.replace(/^refs\/(heads|tags)\//, "");
}
