import type { ChangedFile, Commit, Ref } from "../git/types.ts";
import type { World } from "../state/world.ts";
import { nodeId, repositoryApi, repositoryWeb, type Shape } from "./base.ts";

const unsigned = { verified: false, reason: "unsigned", signature: null, payload: null, verified_at: null };

/** As `GET /commits/{ref}` has it. */
export function commitShape(world: World, commit: Commit): Shape {
  const api = repositoryApi(world);
  const { sha, tree, author, committer, message } = commit;
  return {
    ...{ url: `${api}/commits/${sha}`, sha, node_id: nodeId("Commit", sha) },
    ...{ html_url: commitWeb(world, sha), comments_url: `${api}/commits/${sha}/comments` },
    commit: {
      ...{ url: `${api}/git/commits/${sha}`, author, committer, message, comment_count: 0 },
      ...{ tree: { sha: tree, url: `${api}/git/trees/${tree}` }, verification: unsigned },
    },
    ...{ author: null, committer: null, parents: parentShapes(world, commit, "commits") },
  };
}

/** As `GET /git/commits/{sha}` has it. */
export function gitCommitShape(world: World, commit: Commit): Shape {
  const api = repositoryApi(world);
  const { sha, tree, author, committer, message } = commit;
  return {
    ...{ sha, node_id: nodeId("Commit", sha), url: `${api}/git/commits/${sha}`, html_url: commitWeb(world, sha) },
    ...{ author, committer, message, tree: { sha: tree, url: `${api}/git/trees/${tree}` } },
    ...{ parents: parentShapes(world, commit, "git/commits"), verification: unsigned },
  };
}

/** As workflow runs and check suites have it. */
export function simpleCommitShape({ sha, tree, message, author, committer }: Commit): Shape {
  const who = ({ name, email }: Commit["author"]): Shape => ({ name, email });
  return { id: sha, tree_id: tree, message, timestamp: committer.date, author: who(author), committer: who(committer) };
}

export function refShape(world: World, { name, sha, type }: Ref): Shape {
  const api = repositoryApi(world);
  return {
    ...{ ref: name, node_id: nodeId("Ref", name), url: `${api}/git/${name}` },
    object: { sha, type, url: `${api}/git/${type === "tag" ? "tags" : "commits"}/${sha}` },
  };
}

export function fileShape(world: World, file: ChangedFile, sha: string): Shape {
  const path = file.path.split("/").map(encodeURIComponent).join("/");
  return {
    ...{ sha: file.sha, filename: file.path, status: file.status, additions: file.additions },
    ...{ deletions: file.deletions, changes: file.additions + file.deletions },
    blob_url: `${repositoryWeb(world)}/blob/${sha}/${path}`,
    raw_url: `${repositoryWeb(world)}/raw/${sha}/${path}`,
    contents_url: `${repositoryApi(world)}/contents/${path}?ref=${sha}`,
    ...(file.previous !== null && { previous_filename: file.previous }),
  };
}

export function commitWeb(world: World, sha: string): string {
  return `${repositoryWeb(world)}/commit/${sha}`;
}

function parentShapes(world: World, { parents }: Commit, folder: string): Shape[] {
  const api = repositoryApi(world);
  return parents.map((sha) => ({ sha, url: `${api}/${folder}/${sha}`, html_url: commitWeb(world, sha) }));
}
