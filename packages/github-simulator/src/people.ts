import type { CheckChange } from "./state/checks.ts";
import { addCheckRun } from "./state/checks.ts";
import { addComment } from "./state/comments.ts";
import { addReview, closePull, dismissReview, labelPull, mergePull, openPull, reopenPull } from "./state/pulls.ts";
import { headMoved, noticePushes } from "./state/pushes.ts";
import { addRelease } from "./state/releases.ts";
import { addCommitStatus } from "./state/statuses.ts";
import type { CheckRun, Comment, CommitState, CommitStatus, Conclusion, Pull, Release, Review } from "./state/types.ts";
import { accountOf, type World } from "./state/world.ts";
import type { InTurn } from "./turns.ts";
import type { Account, Role } from "./types.ts";

export type Files = Readonly<Record<string, string | null>>;

/** What people and their tools do on GitHub, without the API. `by` is a login; the repository's owner unless told. */
export type People = {
  /** Somebody with a role in the repository. */
  person(login: string, role?: Role): Account;
  /** Commits to a branch and pushes; a new branch begins at `from` (the default branch unless told). Answers the commit's hash. */
  push(branch: string, commit?: { message?: string; files?: Files; from?: string; by?: string }): Promise<string>;
  /** Replaces a branch's history with one commit on top of `onto`, as a force push does. */
  forcePush(branch: string, onto: string, commit?: { message?: string; files?: Files; by?: string }): Promise<string>;
  deleteBranch(branch: string, by?: string): Promise<void>;
  /** A light tag. */
  tag(name: string, ref: string, by?: string): Promise<void>;
  /** Looks at what was pushed with git itself into `simulator.git`. */
  noticePushes(by?: string): Promise<void>;
  /** `files` makes it a pull request from the author's fork, whose branch is not in this repository. */
  openPullRequest(pull: {
    head: string;
    base?: string;
    title?: string;
    body?: string;
    by?: string;
    draft?: boolean;
    fork?: { message?: string; files?: Files };
  }): Promise<Pull>;
  /** A further commit to a pull request from a fork. */
  pushToFork(number: number, commit?: { message?: string; files?: Files }): Promise<string>;
  closePullRequest(number: number, by?: string): Promise<void>;
  reopenPullRequest(number: number, by?: string): Promise<void>;
  label(number: number, name: string, by?: string): Promise<void>;
  unlabel(number: number, name: string, by?: string): Promise<void>;
  /** Answers the merge commit. Throws where it cannot be merged. */
  merge(number: number, options?: { by?: string; method?: "merge" | "squash" }): Promise<string>;
  review(
    number: number,
    review: { by: string; state: "APPROVED" | "CHANGES_REQUESTED" | "COMMENTED"; body?: string; commit?: string },
  ): Promise<Review>;
  dismissReview(number: number, review: number, by?: string): void;
  comment(number: number, body: string, by?: string): Comment;
  /** A status of the commit that `ref` names. */
  reportStatus(
    ref: string,
    status: { context: string; state: CommitState; description?: string; targetUrl?: string; by?: string },
  ): Promise<CommitStatus>;
  /** A check run of GitHub Actions, in a suite of its workflow's own where that is told; without a conclusion it is in progress. */
  reportCheckRun(
    ref: string,
    check: { name: string; conclusion?: Conclusion; output?: CheckChange["output"]; workflow?: string },
  ): Promise<CheckRun>;
  /** Publishes a release; its tag is made from `target` (the default branch unless told) where there is none. */
  publishRelease(
    tag: string,
    release?: { target?: string; name?: string; body?: string; prerelease?: boolean; by?: string },
  ): Promise<Release>;
};

export function createPeople(world: World, inTurn: InTurn): People {
  const account = (login = world.repository.owner): Account => accountOf(world, login);
  return {
    ...{ person, dismissReview: dismiss, push: alone(push), forcePush: alone(forcePush), tag: alone(tag) },
    ...{ deleteBranch: alone(deleteBranch), openPullRequest: alone(openPullRequest), pushToFork: alone(pushToFork) },
    ...{ merge: alone(merge), review: alone(review), reportStatus: alone(reportStatus) },
    ...{ reportCheckRun: alone(reportCheckRun), publishRelease: alone(publishRelease) },
    noticePushes: alone(async (by?: string) => await noticePushes(world, account(by))),
    closePullRequest: alone(async (number: number, by?: string) => await closePull(world, pullOf(number), account(by))),
    reopenPullRequest: alone(
      async (number: number, by?: string) => await reopenPull(world, pullOf(number), account(by)),
    ),
    label: alone(
      async (number: number, name: string, by?: string) =>
        await labelPull(world, pullOf(number), name, true, account(by)),
    ),
    unlabel: alone(
      async (number: number, name: string, by?: string) =>
        await labelPull(world, pullOf(number), name, false, account(by)),
    ),
    comment: (number, body, by) =>
      addComment(world, { issue: pullOf(number).number, body, author: account(by), app: null }),
  };

  /** Nothing that is asked meanwhile sees the half of it. */
  function alone<A extends unknown[], R>(work: (...given: A) => Promise<R>): (...given: A) => Promise<R> {
    return async (...given) => await inTurn(async () => await work(...given));
  }

  function dismiss(number: number, id: number, by?: string): void {
    const pull = pullOf(number);
    const found = pull.reviews.find((one) => one.id === id);
    if (found === undefined) throw new Error(`pull request ${number} has no review ${id}`);
    dismissReview(world, pull, found, account(by));
  }

  function person(login: string, role: Role = "write"): Account {
    const found = accountOf(world, login);
    world.accounts.set(login, { account: found, role });
    return found;
  }

  async function push(branch: string, commit: Parameters<People["push"]>[1] = {}): Promise<string> {
    const { git, repository } = world;
    const tip = await git.resolve(`refs/heads/${branch}`);
    const from = commit.from === undefined ? null : await commitOf(commit.from);
    const parent = tip ?? from ?? (await git.resolve(`refs/heads/${repository.defaultBranch}`));
    return await pushed(branch, parent === null ? [] : [parent], commit);
  }

  async function forcePush(
    branch: string,
    onto: string,
    commit: Parameters<People["forcePush"]>[2] = {},
  ): Promise<string> {
    return await pushed(branch, [await commitOf(onto)], commit);
  }

  async function pushed(
    branch: string,
    parents: string[],
    about: { message?: string; files?: Files; by?: string },
  ): Promise<string> {
    const sha = await committed(parents, about);
    await world.git.setRef(`refs/heads/${branch}`, sha);
    await noticePushes(world, account(about.by));
    return sha;
  }

  async function committed(
    parents: readonly string[],
    about: { message?: string; files?: Files; by?: string },
  ): Promise<string> {
    const { login } = account(about.by);
    const author = { name: login, email: `${login}@example.com` };
    // A commit with the same content at the same second would be the same commit.
    const message = about.message ?? `Change ${world.nextId()}`;
    return await world.git.commit({ message, author, at: world.clock.now(), parents, files: about.files ?? {} });
  }

  async function deleteBranch(branch: string, by?: string): Promise<void> {
    await world.git.setRef(`refs/heads/${branch}`, null);
    await noticePushes(world, account(by));
  }

  async function tag(name: string, ref: string, by?: string): Promise<void> {
    await world.git.setRef(`refs/tags/${name}`, await commitOf(ref));
    await noticePushes(world, account(by));
  }

  async function openPullRequest(about: Parameters<People["openPullRequest"]>[0]): Promise<Pull> {
    const { head, base = world.repository.defaultBranch, fork } = about;
    const baseSha = await commitOf(`refs/heads/${base}`);
    const commit = { ...fork, ...(about.by !== undefined && { by: about.by }) };
    const headSha = fork === undefined ? await commitOf(`refs/heads/${head}`) : await committed([baseSha], commit);
    return await openPull(world, {
      ...{ title: about.title ?? `Change ${head}`, body: about.body ?? null, draft: about.draft ?? false },
      ...{ head, headSha, base, baseSha, fork: fork !== undefined, author: account(about.by) },
    });
  }

  async function pushToFork(number: number, commit: { message?: string; files?: Files } = {}): Promise<string> {
    const pull = pullOf(number);
    if (!pull.fork) throw new Error(`pull request ${number} is not from a fork: push to ${pull.head}`);
    const sha = await committed([pull.headSha], { ...commit, by: pull.author.login });
    await headMoved(world, pull, sha, pull.author);
    return sha;
  }

  async function merge(number: number, options: { by?: string; method?: "merge" | "squash" } = {}): Promise<string> {
    const pull = pullOf(number);
    const { method = "merge" } = options;
    await noticePushes(world, account(options.by));
    const sha = await mergePull(world, pull, { method, message: null, by: account(options.by) });
    if (sha === null)
      throw new Error(`pull request ${number} cannot be merged: it is closed or conflicts with ${pull.base}`);
    return sha;
  }

  async function review(number: number, about: Parameters<People["review"]>[1]): Promise<Review> {
    await noticePushes(world, account());
    const { state, body = "", commit = null } = about;
    return await addReview(world, pullOf(number), { author: account(about.by), state, body, commit });
  }

  async function reportStatus(ref: string, status: Parameters<People["reportStatus"]>[1]): Promise<CommitStatus> {
    const { context, state, description = null, targetUrl = null, by } = status;
    return await addCommitStatus(world, {
      sha: await commitOf(ref),
      context,
      state,
      description,
      targetUrl,
      creator: account(by),
    });
  }

  async function reportCheckRun(ref: string, check: Parameters<People["reportCheckRun"]>[1]): Promise<CheckRun> {
    const { app, bot } = world.actions;
    const { name, conclusion, output, workflow } = check;
    return await addCheckRun(
      world,
      { sha: await commitOf(ref), name, app, by: bot, ...(workflow !== undefined && { workflow }) },
      {
        ...(conclusion === undefined ? { status: "in_progress" as const } : { conclusion }),
        ...(output !== undefined && { output }),
      },
    );
  }

  async function publishRelease(
    tagName: string,
    about: Parameters<People["publishRelease"]>[1] = {},
  ): Promise<Release> {
    const { target = world.repository.defaultBranch, name = tagName, body = "", prerelease = false } = about;
    const author = account(about.by);
    const release = await addRelease(world, { tag: tagName, target, name, body, draft: false, prerelease, author });
    if (release === null) throw new Error(`a release of ${tagName} needs a commit: there is no ${target}`);
    return release;
  }

  function pullOf(number: number): Pull {
    const pull = world.pulls.find((one) => one.number === number);
    if (pull === undefined) throw new Error(`there is no pull request ${number}`);
    return pull;
  }

  async function commitOf(ref: string): Promise<string> {
    const sha = await world.git.resolve(ref);
    if (sha === null) throw new Error(`the simulated repository has no ${ref}`);
    return sha;
  }
}
