import * as z from "zod";
import type { HttpTools } from "../http-send.ts";
import type { Delivery, Notice, NoticeEvent, Notifier } from "../types.ts";
import { createSlackApi, type SlackAnswer, type SlackPlace } from "./api.ts";
import { slackDetails, slackMessage } from "./message.ts";
import { slackRefusal } from "./refusals.ts";

export type SlackBotOptions = {
  name: string;
  /** `#deploys`, or a channel's id. */
  channel: string;
  token: string;
  /** Address of the API with its last slash. */
  api: string;
  http: HttpTools;
  /** What an earlier process remembered of a deployment; null if none did. */
  recall: (deployment: string) => Promise<unknown>;
};

/** Where a deployment's message stands, and whether its thread has told of a failure. */
const memory = z.object({
  /** The channel as it was configured: another one gets a message of its own. */
  asked: z.string(),
  channel: z.string(),
  ts: z.string(),
  failureTold: z.boolean(),
});
type Memory = z.infer<typeof memory>;

const ends: ReadonlySet<NoticeEvent> = new Set(["succeeded", "rolled-back", "failed", "interrupted"]);
/** What comes after a deployment's end, and leaves it as it is told: a reply of its own, which is shown in the channel too. */
const afterwards: ReadonlySet<NoticeEvent> = new Set(["review-due"]);
/** A message that cannot be changed any more is made anew. */
const gone: ReadonlySet<string> = new Set(["message_not_found", "cant_update_message", "edit_window_closed"]);

/**
 * Slack with an app's bot token: one message for each deployment, updated as it goes on, with steps and failures in its thread. A bad end is shown in the channel too,
 * since nobody is told of an update.
 */
export function createSlackBot(options: SlackBotOptions): Notifier {
  const { name, channel, token, api, http, recall } = options;
  const slack = createSlackApi({ api, token, http });
  const known = new Map<string, Memory>();

  async function remembered(deployment: string | null): Promise<Memory | null> {
    if (deployment === null) return null;
    const here = known.get(deployment);
    if (here !== undefined) return here;
    const read = memory.safeParse(await recall(deployment));
    return read.success && read.data.asked === channel ? read.data : null;
  }

  async function message(notice: Notice, before: SlackPlace | null, signal: AbortSignal): Promise<SlackAnswer> {
    const body = slackMessage(notice);
    if (before === null) return slack.post(channel, body, null, signal);
    const updated = await slack.update(before, body, signal);
    if (updated.kind !== "refused" || !gone.has(updated.code)) return updated;
    const posted = await slack.post(channel, body, null, signal);
    return { ...posted, tries: repeated(posted.tries, updated.tries) };
  }

  async function reply(notice: Notice, before: Memory | null, signal: AbortSignal): Promise<Delivery> {
    const thread = before === null ? null : { ts: before.ts, broadcast: true };
    const posted = await slack.post(before?.channel ?? channel, slackMessage(notice), thread, signal);
    if (posted.kind !== "ok") return failed(posted, channel, before, posted.tries);
    return delivered(posted, before, posted.tries);
  }

  return {
    name,
    tell: async (notice, signal) => {
      const before = await remembered(notice.deployment);
      if (afterwards.has(notice.event)) return reply(notice, before, signal);
      const main = await message(notice, before, signal);
      if (main.kind !== "ok") return failed(main, channel, before, main.tries);
      const told = before !== null && before.ts === main.place.ts && before.failureTold;
      const now: Memory = { asked: channel, ...main.place, failureTold: told };
      if (notice.deployment !== null) known.set(notice.deployment, now);

      const details = slackDetails(notice, { steps: ends.has(notice.event), lines: !told });
      if (details === null) return delivered(main, now, main.tries);
      const broadcast = notice.level === "bad" && before !== null && notice.event !== "step-failed";
      const thread = await slack.post(now.channel, details, { ts: now.ts, broadcast }, signal);
      const tries = repeated(main.tries, thread.tries);
      if (thread.kind !== "ok") return failed(thread, channel, now, tries);
      const after: Memory = { ...now, failureTold: told || notice.lastLines.length > 0 };
      if (notice.deployment !== null) known.set(notice.deployment, after);
      return delivered(main, after, tries);
    },
  };
}

/** One try for what takes two calls, and one more for each that had to be repeated. */
function repeated(first: number, second: number): number {
  return first + second - 1;
}

function delivered(main: Extract<SlackAnswer, { kind: "ok" }>, remember: Memory | null, tries: number): Delivery {
  return { status: "delivered", tries, detail: `message ${main.place.ts} in ${main.place.channel}`, remember };
}

function failed(
  answer: Exclude<SlackAnswer, { kind: "ok" }>,
  channel: string,
  remember: Memory | null,
  tries: number,
): Delivery {
  const { detail, remedy } =
    answer.kind === "refused" ? slackRefusal(answer.code, channel) : { detail: answer.reason, remedy: null };
  return { status: "failed", tries, detail, remedy, remember };
}
