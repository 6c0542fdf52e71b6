import { conflict } from "./errors.ts";
import { decodeJson, encodeJson, sameJson } from "./json.ts";
import { checkLimit } from "./limits.ts";
import type { Ledger, NoticeDelivery } from "./types.ts";

/** The deliveries of notices of the ledger in memory; `snapshot` is what its backup keeps of them, by id. */
export function createNoticeMemory(
  start: Readonly<Record<string, string>>,
): Pick<Ledger, "recordNotice" | "notices"> & { snapshot(): Record<string, string> } {
  const kept = new Map<string, string>(Object.entries(start));
  return {
    async recordNotice(delivery) {
      encodeJson(delivery.payload, "notice");
      const text = encodeJson(delivery, "notice");
      const stored = kept.get(delivery.id);
      if (stored !== undefined && !sameJson(stored, text)) throw conflict(`notice ${delivery.id}`);
      kept.set(delivery.id, stored ?? text);
    },
    async notices({ project, deployment, limit }) {
      return [...kept.values()]
        .map((text) => decodeJson(text) as NoticeDelivery)
        .filter((each) => each.project === project && (deployment === undefined || each.deployment === deployment))
        .sort((left, right) => right.at - left.at || (left.id < right.id ? 1 : -1))
        .slice(0, checkLimit(limit));
    },
    snapshot: () => Object.fromEntries(kept),
  };
}
