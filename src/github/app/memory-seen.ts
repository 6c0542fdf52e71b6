import type { SeenWebhooks } from "./types.ts";

/** What is remembered of webhooks by one process, while it runs. */
export function createSeenWebhooksInMemory(): SeenWebhooks {
  const until = new Map<string, number>();
  return {
    claim: async (fingerprint, about) => {
      const now = about.now.getTime();
      // In the order in which they came, which is mostly that in which they end.
      for (const [known, end] of until) {
        if (end >= now) break;
        until.delete(known);
      }
      if ((until.get(fingerprint) ?? Number.NEGATIVE_INFINITY) >= now) return false;
      until.delete(fingerprint);
      until.set(fingerprint, about.until.getTime());
      return true;
    },
    forget: async (fingerprint) => {
      until.delete(fingerprint);
    },
  };
}
