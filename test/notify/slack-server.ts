import type { ServerResponse } from "node:http";
import type { TestContext } from "node:test";
import * as z from "zod";
import { type HeardRequest, type HttpServer, startHttpServer } from "./http-server.ts";

// What Slack documents of the two calls: fields, and what it answers where something is wrong with them.
const markdown = z.strictObject({
  type: z.literal("mrkdwn"),
  text: z.string().min(1).max(3_000),
  verbatim: z.boolean().optional(),
});
const block = z.union([
  z.strictObject({ type: z.literal("section"), text: markdown }),
  z.strictObject({
    type: z.literal("section"),
    fields: z
      .array(markdown.extend({ text: z.string().min(1).max(2_000) }))
      .min(1)
      .max(10),
  }),
]);
const body = {
  text: z.string().min(1).max(40_000),
  blocks: z.array(block).min(1).max(50),
  parse: z.enum(["none", "full"]).optional(),
  link_names: z.boolean().optional(),
};
const postMessage = z.strictObject({
  channel: z.string(),
  ...body,
  thread_ts: z
    .string()
    .regex(/^\d+\.\d{6}$/)
    .optional(),
  reply_broadcast: z.boolean().optional(),
  unfurl_links: z.boolean().optional(),
  unfurl_media: z.boolean().optional(),
});
const update = z.strictObject({ channel: z.string(), ts: z.string(), ...body });
export const incomingWebhook = z.strictObject({ text: body.text, blocks: body.blocks });

export type SlackMessage = {
  channel: string;
  ts: string;
  text: string;
  /** All that the blocks say. */
  shown: string;
  thread: string | null;
  broadcast: boolean;
  updates: number;
};

export type FakeSlack = {
  api: string;
  server: HttpServer;
  messages: SlackMessage[];
  /** Answers every call from now on with this refusal. */
  refuse(error: string): void;
  hang(): void;
};

/** Slack as far as two calls see it: channels, messages with their time stamps, a token. Calls that Slack would refuse are refused in its words. */
export async function startFakeSlack(
  context: TestContext,
  options: { token: string; channels: Readonly<Record<string, string>> },
): Promise<FakeSlack> {
  const messages: SlackMessage[] = [];
  let refusal: string | null = null;
  let hanging = false;
  let count = 0;

  function channelId(named: string): string | null {
    return options.channels[named] ?? (Object.values(options.channels).includes(named) ? named : null);
  }

  function post(fields: unknown): object {
    const read = postMessage.safeParse(fields);
    if (!read.success) return { ok: false, error: "invalid_arguments", detail: read.error.message };
    const channel = channelId(read.data.channel);
    if (channel === null) return { ok: false, error: "channel_not_found" };
    if (read.data.thread_ts !== undefined && !messages.some(({ ts }) => ts === read.data.thread_ts))
      return { ok: false, error: "thread_not_found" };
    count += 1;
    const ts = `1763632800.${String(count).padStart(6, "0")}`;
    messages.push({
      ...{ channel, ts, text: read.data.text, shown: shownBy(read.data.blocks), updates: 0 },
      ...{ thread: read.data.thread_ts ?? null, broadcast: read.data.reply_broadcast ?? false },
    });
    return { ok: true, channel, ts, message: { text: read.data.text } };
  }

  function change(fields: unknown): object {
    const read = update.safeParse(fields);
    if (!read.success) return { ok: false, error: "invalid_arguments", detail: read.error.message };
    // Unlike chat.postMessage this one takes no name.
    if (!Object.values(options.channels).includes(read.data.channel)) return { ok: false, error: "channel_not_found" };
    const message = messages.find(({ channel, ts }) => channel === read.data.channel && ts === read.data.ts);
    if (message === undefined) return { ok: false, error: "message_not_found" };
    Object.assign(message, { text: read.data.text, shown: shownBy(read.data.blocks), updates: message.updates + 1 });
    return { ok: true, channel: message.channel, ts: message.ts, text: message.text };
  }

  function respond({ path, headers, body: text }: HeardRequest, response: ServerResponse): void {
    if (hanging) return;
    const answer = (value: object): void => {
      response.setHeader("content-type", "application/json; charset=utf-8");
      response.end(JSON.stringify(value));
    };
    if (refusal !== null) return answer({ ok: false, error: refusal });
    if (headers.authorization !== `Bearer ${options.token}`) return answer({ ok: false, error: "invalid_auth" });
    if (headers["content-type"] !== "application/json; charset=utf-8")
      return answer({ ok: false, error: "invalid_post_type" });
    const fields: unknown = JSON.parse(text);
    if (path === "/api/chat.postMessage") return answer(post(fields));
    if (path === "/api/chat.update") return answer(change(fields));
    answer({ ok: false, error: "unknown_method" });
  }

  const server = await startHttpServer(context, respond);
  return {
    api: `${server.url}/api/`,
    server,
    messages,
    refuse: (error) => {
      refusal = error;
    },
    hang: () => {
      hanging = true;
    },
  };
}

export function shownBy(blocks: readonly z.infer<typeof block>[]): string {
  return blocks
    .map((one) => ("text" in one ? one.text.text : one.fields.map(({ text }) => text).join("\n")))
    .join("\n");
}
