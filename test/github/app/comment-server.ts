import type { GitHubClient } from "../../../src/github/api/types.ts";
import { ShiplockError } from "../../../src/errors.ts";

export type KeptComment = { readonly id: number; body: string; readonly by: string };

/** The calls that comments need, without a network, so that a test can hold each of them. */
export type CommentServer = {
  /** A client of somebody; `before` is waited for ahead of each call. `null`: an App's token, which has no user. */
  client(login: string | null, before?: (route: string) => Promise<void>): GitHubClient;
  readonly comments: KeptComment[];
  readonly calls: string[];
};

export function createCommentServer(): CommentServer {
  const comments: KeptComment[] = [];
  const calls: string[] = [];
  let last = 0;
  const shown = ({ id, body, by }: KeptComment) => ({
    ...{ id, body, html_url: `https://github.com/acme/shop/pull/12#issuecomment-${id}` },
    user: { login: by, type: by.endsWith("[bot]") ? "Bot" : "User" },
  });

  function answer(login: string | null, route: string, parameters: Readonly<Record<string, unknown>>) {
    const found = comments.find(({ id }) => id === parameters["comment_id"]);
    const body = String(parameters["body"]);
    switch (route) {
      case "GET /user":
        if (login === null)
          throw new ShiplockError({ code: "github/forbidden", message: "Resource not accessible by integration" });
        return { status: 200, body: { login } };
      case "POST /repos/{owner}/{repo}/issues/{issue_number}/comments": {
        last += 1;
        comments.push({ id: last, body, by: login ?? "shiplock[bot]" });
        return { status: 201, body: {} };
      }
      case "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}":
        if (found === undefined) return { status: 404, body: {} };
        found.body = body;
        return { status: 200, body: shown(found) };
      case "DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}":
        if (found === undefined) return { status: 404, body: {} };
        comments.splice(comments.indexOf(found), 1);
        return { status: 204, body: undefined };
      default:
        throw new Error(`nothing answers ${route}`);
    }
  }

  return {
    comments,
    calls,
    client: (login, before = async () => undefined) => ({
      repository: { owner: "acme", name: "shop" },
      webAddress: "https://github.com/acme/shop",
      call: async ({ route, parameters = {} }) => {
        await before(route);
        calls.push(route);
        return answer(login, route, parameters);
      },
      items: async function* ({ route }) {
        await before(route);
        calls.push(route);
        yield* comments.map(shown);
      },
    }),
  };
}
