import { commentShape } from "../shapes/comments.ts";
import { labelShape } from "../shapes/pulls.ts";
import { addComment, deleteComment, editComment } from "../state/comments.ts";
import { labelPull } from "../state/pulls.ts";
import type { Comment } from "../state/types.ts";
import type { World } from "../state/world.ts";
import { foundPull } from "./pulls.ts";
import { type Answer, type Asked, listed, notFound, Refusal, type Route } from "./types.ts";

const comments = "/repos/{owner}/{repo}/issues/{issue_number}/comments";
const one = "/repos/{owner}/{repo}/issues/comments/{comment_id}";
const labels = "/repos/{owner}/{repo}/issues/{issue_number}/labels";
const reading = ["issues:read", "pull_requests:read"] as const;
const writing = ["issues:write", "pull_requests:write"] as const;

/** GitHub's limit of a comment, in characters. */
const longestComment = 65_536;

export const commentRoutes: readonly Route[] = [
  {
    name: `GET ${comments}`,
    needs: reading,
    answer: async (asked, world) => {
      const { number } = await foundPull(asked, world);
      const { since } = asked.query as { since?: string };
      const from = since === undefined ? 0 : new Date(since).getTime();
      const matching = world.comments.filter(({ issue, updatedAt }) => issue === number && updatedAt.getTime() >= from);
      // Oldest first, unlike most lists.
      return listed(matching, (comment) => commentShape(world, comment));
    },
  },
  { name: `POST ${comments}`, needs: writing, answer: create },
  {
    name: `GET ${one}`,
    needs: reading,
    answer: (asked, world) => ({ status: 200, body: commentShape(world, found(asked, world)) }),
  },
  {
    name: `PATCH ${one}`,
    needs: writing,
    answer: (asked, world) => {
      const comment = found(asked, world);
      editComment(world, comment, textOf(asked), asked.caller.account);
      return { status: 200, body: commentShape(world, comment) };
    },
  },
  {
    name: `DELETE ${one}`,
    needs: writing,
    answer: (asked, world) => {
      deleteComment(world, found(asked, world), asked.caller.account);
      return { status: 204 };
    },
  },
  {
    name: `GET ${labels}`,
    needs: reading,
    answer: async (asked, world) => listed((await foundPull(asked, world)).labels, (name) => labelShape(world, name)),
  },
  { name: `POST ${labels}`, needs: writing, answer: addLabels },
  {
    name: `DELETE ${labels}/{name}`,
    needs: writing,
    answer: async (asked, world) => {
      const pull = await foundPull(asked, world);
      const name = asked.path["name"] ?? "";
      if (!pull.labels.includes(name)) throw new Refusal(404, "Label does not exist");
      await labelPull(world, pull, name, false, asked.caller.account);
      return { status: 200, body: pull.labels.map((label) => labelShape(world, label)) };
    },
  },
];

async function create(asked: Asked, world: World): Promise<Answer> {
  const { number } = await foundPull(asked, world);
  const { account: author, app } = asked.caller;
  const comment = addComment(world, { issue: number, body: textOf(asked), author, app });
  return { status: 201, body: commentShape(world, comment) };
}

function textOf({ body }: Asked): string {
  const { body: text } = body as { body: string };
  if (text.trim() === "")
    throw new Refusal(422, "Validation Failed", [
      { resource: "IssueComment", code: "unprocessable", field: "data", message: "Body cannot be blank" },
    ]);
  if (text.length > longestComment)
    throw new Refusal(422, "Validation Failed", [
      {
        resource: "IssueComment",
        code: "unprocessable",
        field: "data",
        message: "Body is too long (maximum is 65536 characters)",
      },
    ]);
  return text;
}

async function addLabels(asked: Asked, world: World): Promise<Answer> {
  const pull = await foundPull(asked, world);
  const given = asked.body as { labels?: readonly (string | { name: string })[] };
  for (const label of given.labels ?? [])
    await labelPull(world, pull, typeof label === "string" ? label : label.name, true, asked.caller.account);
  return { status: 200, body: pull.labels.map((name) => labelShape(world, name)) };
}

function found({ path }: Asked, world: World): Comment {
  const comment = world.comments.find(({ id }) => id === Number(path["comment_id"]));
  if (comment === undefined) throw notFound();
  return comment;
}
