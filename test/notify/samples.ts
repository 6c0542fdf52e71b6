import type { Notice, NoticeEvent } from "../../src/notify/types.ts";
import { levelOf } from "../../src/notify/words.ts";

/** A notice of a deployment as it might be. */
export function notice(event: NoticeEvent = "succeeded", change: Partial<Notice> = {}): Notice {
  return {
    event,
    level: levelOf(event),
    project: "shop",
    environment: "production",
    deployment: "d-1",
    kind: "deploy",
    release: "4f2a9c1-8be13d",
    commit: "4f2a9c1d5e6f708192a3b4c5d6e7f8091a2b3c4d",
    subject: "Prices with VAT",
    ref: "main",
    who: "ada",
    why: null,
    at: "2026-11-20T10:00:00.000Z",
    outcome: "4f2a9c1-8be13d is live",
    steps: [],
    lastLines: [],
    links: { url: "https://shop.example.com", log: null },
    ...change,
  };
}

/** What somebody might write into a commit message or a log to be more than text. */
export const hostile = [
  "<!channel> <https://evil.example|click>",
  "a\r\nBcc: everybody@example.com\r\n\r\nbody",
  "``` *bold* & <b>",
  "\u0000\u001b[31mred\u202e",
  '"},{"event":"succeeded',
].join(" / ");
