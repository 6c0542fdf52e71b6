import { messageOf, ShiplockError } from "../errors.ts";
import { mergeRows, rowOf, rowsOf, tableBody, tableMarker, type TableRow } from "./pull-request-table.ts";
import type { Delivery, Notice, Notifier } from "./types.ts";

export type PullRequest = { readonly number: number };

/**
 * Comments on pull requests, one for each marker.
 *
 * - **Which is ours** is told by the marker it begins with and by its author: what somebody else wrote is never changed or taken away, whatever it begins with.
 * - **Concurrency.** Several may write at the same moment: one comment is left, with what each of them `compose`s. Of two who change the same one in the same moment, the later
 *   one's text stands, and whoever writes again adds what is missing.
 * - **What may be repeated.** Everything. Writing the same again changes nothing.
 * - **Errors** are thrown, with a sentence for people.
 */
export type PullRequestComments = {
  /** The pull request that a commit came through, or is in; null for none. */
  pullOf(commit: string, options: { signal: AbortSignal }): Promise<PullRequest | null>;
  /**
   * Makes the comment what `compose` says.
   * @param compose given the texts that stand there (mostly one, none at first), the text that shall: the same for its own text alone
   * @returns the comment's page
   */
  write(
    pull: number,
    marker: string,
    compose: (bodies: readonly string[]) => string,
    options: { signal: AbortSignal },
  ): Promise<{ url: string }>;
  /** Takes the comment away; there need not be one. */
  remove(pull: number, marker: string, options: { signal: AbortSignal }): Promise<void>;
};

/** Keeps one comment on the pull request that a notice's commit came through: a table of where it is. */
export function createPullRequestComment(options: {
  name: string;
  project: string;
  comments: PullRequestComments;
}): Notifier {
  const { name, project, comments } = options;
  /** What this process has told, so that a row that somebody wrote over comes back with the next one. */
  const told = new Map<number, readonly TableRow[]>();

  async function tell(notice: Notice, signal: AbortSignal): Promise<string> {
    const row = rowOf(notice);
    if (row === null) return "nothing of this belongs into a table of deployments";
    const pull = await comments.pullOf(row.commit, { signal });
    if (pull === null) return `no pull request has commit ${row.commit.slice(0, 7)}`;
    if (notice.kind === "test") return sample(pull.number, signal);
    const own = mergeRows([...(told.get(pull.number) ?? []), row]);
    told.set(pull.number, own);
    const compose = (bodies: readonly string[]): string => tableBody(project, [...bodies.flatMap(rowsOf), ...own]);
    const { url } = await comments.write(pull.number, tableMarker(project), compose, { signal });
    return `comment ${url}`;
  }

  /** Shows that it could comment, and leaves nothing behind that looks like a deployment. */
  async function sample(pull: number, signal: AbortSignal): Promise<string> {
    const marker = `<!-- shiplock:sample ${project} -->`;
    const text = `${marker}\nA test of \`shiplock notify test\`, which is taken away at once.`;
    await comments.write(pull, marker, () => text, { signal });
    await comments.remove(pull, marker, { signal });
    return `a comment on #${pull}, taken away again`;
  }

  return {
    name,
    tell: async (notice, signal): Promise<Delivery> => {
      try {
        return { status: "delivered", tries: 1, detail: await tell(notice, signal), remember: null };
      } catch (error) {
        const remedy = error instanceof ShiplockError ? (error.remedy ?? null) : null;
        return { status: "failed", tries: 1, detail: messageOf(error), remedy, remember: null };
      }
    },
  };
}
