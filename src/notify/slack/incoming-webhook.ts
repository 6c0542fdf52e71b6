import { type HttpTools, sendHttp } from "../http-send.ts";
import type { Notifier } from "../types.ts";
import { slackWhole } from "./message.ts";
import { slackRefusal } from "./refusals.ts";

/**
 * Slack by the address of an incoming webhook: a message for each event, which nobody can change afterwards.
 * @param options.url a secret: who has it can write to the channel
 */
export function createSlackWebhook(options: { name: string; url: string; http: HttpTools }): Notifier {
  const { name, url, http } = options;
  return {
    name,
    tell: async (notice, signal) => {
      const sent = await sendHttp(
        {
          url,
          body: JSON.stringify(slackWhole(notice)),
          headers: () => ({ "content-type": "application/json; charset=utf-8" }),
          repeatUnanswered: false,
        },
        http,
        signal,
      );
      const { tries } = sent;
      if (sent.kind === "unanswered")
        return { status: "failed", tries, detail: `Slack: ${sent.reason}`, remedy: null, remember: null };
      const { status, body } = sent.answer;
      if (status === 200) return { status: "delivered", tries, detail: "200", remember: null };
      const refused = slackRefusal(status === 429 ? "ratelimited" : body.trim() || String(status), null);
      return { status: "failed", tries, ...refused, remember: null };
    },
  };
}
