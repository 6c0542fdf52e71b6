import type { World } from "../state/world.ts";
import { accountShape, nodeId, repositoryApi, repositoryWeb, type Shape, time } from "./base.ts";

const addresses = {
  archive_url: "/{archive_format}{/ref}",
  assignees_url: "/assignees{/user}",
  blobs_url: "/git/blobs{/sha}",
  branches_url: "/branches{/branch}",
  collaborators_url: "/collaborators{/collaborator}",
  comments_url: "/comments{/number}",
  commits_url: "/commits{/sha}",
  compare_url: "/compare/{base}...{head}",
  contents_url: "/contents/{+path}",
  contributors_url: "/contributors",
  deployments_url: "/deployments",
  downloads_url: "/downloads",
  events_url: "/events",
  forks_url: "/forks",
  git_commits_url: "/git/commits{/sha}",
  git_refs_url: "/git/refs{/sha}",
  git_tags_url: "/git/tags{/sha}",
  hooks_url: "/hooks",
  issue_comment_url: "/issues/comments{/number}",
  issue_events_url: "/issues/events{/number}",
  issues_url: "/issues{/number}",
  keys_url: "/keys{/key_id}",
  labels_url: "/labels{/name}",
  languages_url: "/languages",
  merges_url: "/merges",
  milestones_url: "/milestones{/number}",
  notifications_url: "/notifications{?since,all,participating}",
  pulls_url: "/pulls{/number}",
  releases_url: "/releases{/id}",
  stargazers_url: "/stargazers",
  statuses_url: "/statuses/{sha}",
  subscribers_url: "/subscribers",
  subscription_url: "/subscription",
  tags_url: "/tags",
  teams_url: "/teams",
  trees_url: "/git/trees{/sha}",
} as const;

/** What is said of a repository wherever it is named. */
export function minimalRepository(world: World): Shape {
  const { id, owner, name, private: isPrivate } = world.repository;
  const api = repositoryApi(world);
  return {
    ...{ id, node_id: nodeId("Repository", id), name, full_name: `${owner}/${name}`, private: isPrivate },
    owner: accountShape(world, world.owner),
    ...{ html_url: repositoryWeb(world), description: null, fork: false, url: api },
    ...Object.fromEntries(Object.entries(addresses).map(([key, path]) => [key, `${api}${path}`])),
  };
}

/** What is said of it in pull requests and webhooks. */
export function repository(world: World): Shape {
  const { createdAt, private: isPrivate, defaultBranch, owner, name } = world.repository;
  const path = `${owner}/${name}`;
  return {
    ...minimalRepository(world),
    git_url: `git://github.com/${path}.git`,
    ssh_url: `git@github.com:${path}.git`,
    clone_url: `https://github.com/${path}.git`,
    svn_url: repositoryWeb(world),
    ...{ mirror_url: null, homepage: null, language: null, license: null, topics: [] },
    ...{ forks: 0, forks_count: 0, stargazers_count: 0, watchers: 0, watchers_count: 0, size: 1 },
    ...{ open_issues: openIssues(world), open_issues_count: openIssues(world), default_branch: defaultBranch },
    ...{ is_template: false, has_issues: true, has_projects: false, has_wiki: false, has_pages: false },
    ...{ has_downloads: false, has_discussions: false, archived: false, disabled: false, allow_forking: false },
    ...{ web_commit_signoff_required: false, visibility: isPrivate ? "private" : "public" },
    ...{ created_at: time(createdAt), updated_at: time(createdAt), pushed_at: time(createdAt) },
  };
}

export function fullRepository(world: World, permissions: Shape): Shape {
  return { ...repository(world), permissions, subscribers_count: 0, network_count: 0, temp_clone_token: null };
}

function openIssues({ pulls }: World): number {
  return pulls.filter(({ state }) => state === "open").length;
}
