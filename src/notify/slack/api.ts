import * as z from "zod";
import { type HttpTools, sendHttp } from "../http-send.ts";
import type { SlackBody } from "./message.ts";

/** A message that was posted: chat.update wants the channel's id, whatever name it was posted under. */
export type SlackPlace = { channel: string; ts: string };

export type SlackAnswer =
  | { kind: "ok"; place: SlackPlace; tries: number }
  /** Slack answered, and would not: `code` is its own word. */
  | { kind: "refused"; code: string; tries: number }
  /** There was no answer that could be read. */
  | { kind: "unanswered"; reason: string; tries: number };

/** The two calls of Slack's Web API that are needed. */
export type SlackApi = {
  post(
    channel: string,
    body: SlackBody,
    thread: { ts: string; broadcast: boolean } | null,
    signal: AbortSignal,
  ): Promise<SlackAnswer>;
  update(place: SlackPlace, body: SlackBody, signal: AbortSignal): Promise<SlackAnswer>;
};

const answer = z.union([
  z.object({ ok: z.literal(true), channel: z.string().min(1), ts: z.string().min(1) }),
  z.object({ ok: z.literal(false), error: z.string().min(1) }),
]);

/** @param api address of the API with its last slash: `https://slack.com/api/` */
export function createSlackApi(options: { api: string; token: string; http: HttpTools }): SlackApi {
  const { api, token, http } = options;

  async function call(
    method: string,
    fields: Readonly<Record<string, unknown>>,
    repeatUnanswered: boolean,
    signal: AbortSignal,
  ): Promise<SlackAnswer> {
    const sent = await sendHttp(
      {
        url: new URL(method, api).href,
        body: JSON.stringify(fields),
        headers: () => ({ "content-type": "application/json; charset=utf-8", authorization: `Bearer ${token}` }),
        repeatUnanswered,
      },
      http,
      signal,
    );
    const { tries } = sent;
    if (sent.kind === "unanswered") return { kind: "unanswered", reason: `Slack: ${sent.reason}`, tries };
    if (sent.answer.status === 429) return { kind: "refused", code: "ratelimited", tries };
    const read = answer.safeParse(parsed(sent.answer.body));
    if (!read.success)
      return { kind: "unanswered", reason: `Slack answered ${sent.answer.status}, not in its words`, tries };
    if (!read.data.ok) return { kind: "refused", code: read.data.error, tries };
    return { kind: "ok", place: { channel: read.data.channel, ts: read.data.ts }, tries };
  }

  // No text of ours is to become a link or a mention; chat.update would otherwise look for some.
  const plain = { parse: "none", link_names: false };
  return {
    post: (channel, body, thread, signal) =>
      call(
        "chat.postMessage",
        {
          channel,
          ...body,
          ...plain,
          unfurl_links: false,
          unfurl_media: false,
          ...(thread === null ? {} : { thread_ts: thread.ts, reply_broadcast: thread.broadcast }),
        },
        // Posted twice would be seen twice.
        false,
        signal,
      ),
    update: ({ channel, ts }, body, signal) => call("chat.update", { channel, ts, ...body, ...plain }, true, signal),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whoever stands between (a proxy, a login page) answers in other ways.
    return null;
  }
}
