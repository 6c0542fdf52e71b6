import type { PullRequestComments } from "./pull-request.ts";

export type FakeComment = { readonly pull: number; readonly mine: boolean; readonly body: string };

/** Pull requests and their comments without a host of repositories. */
export type FakePullRequestComments = PullRequestComments & {
  /** What stands on pull requests, in its order. */
  shown(): readonly FakeComment[];
  /** Somebody else writes. */
  says(pull: number, body: string): void;
};

/** @param pulls numbers of pull requests by the commits that came through them */
export function createFakePullRequestComments(pulls: Readonly<Record<string, number>>): FakePullRequestComments {
  let comments: readonly FakeComment[] = [];
  const isOurs = (pull: number, marker: string) => (comment: FakeComment) =>
    comment.mine && comment.pull === pull && comment.body.startsWith(marker);
  return {
    pullOf: async (commit, { signal }) => {
      signal.throwIfAborted();
      const number = pulls[commit];
      return number === undefined ? null : { number };
    },
    write: async (pull, marker, compose, { signal }) => {
      signal.throwIfAborted();
      const ours = comments.filter(isOurs(pull, marker));
      const written: FakeComment = { pull, mine: true, body: compose(ours.map(({ body }) => body)) };
      const place = comments.findIndex(isOurs(pull, marker));
      comments = place === -1 ? [...comments, written] : comments.with(place, written);
      return { url: `https://example.com/pull/${pull}#ours` };
    },
    remove: async (pull, marker, { signal }) => {
      signal.throwIfAborted();
      const ours = isOurs(pull, marker);
      comments = comments.filter((comment) => !ours(comment));
    },
    shown: () => comments,
    says: (pull, body) => {
      comments = [...comments, { pull, mine: false, body }];
    },
  };
}
