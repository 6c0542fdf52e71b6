import type { Draft } from "./draft.ts";
import type { Found, Notice } from "./types.ts";

/** Who is told of what, once for each channel. */
export function writeNotices(draft: Draft, notices: readonly Found<Notice>[]): void {
  const byPlace = new Map<string, Found<Notice>[]>();
  for (const notice of notices) {
    const { webhook, channel, token } = notice.value;
    const place = JSON.stringify(webhook === null ? [token, channel] : [webhook]);
    byPlace.set(place, [...(byPlace.get(place) ?? []), notice]);
  }
  const known = Object.keys((draft.value(["environments"]) as object | undefined) ?? {});
  const entries = [...byPlace.values()];
  if (entries.length === 0) return;
  draft.take(
    ["notify"],
    entries.map((same) => entryOf(same, known)),
    entries[0]?.[0]?.from ?? { file: "", line: 1 },
    entries.length + notices.length > 2 ? "and below it" : undefined,
  );
}

function entryOf(same: readonly Found<Notice>[], known: readonly string[]): object {
  const [first] = same;
  const { webhook = null, channel = null, token = null } = first?.value ?? {};
  const environments = [...new Set(same.flatMap(({ value }) => value.environments))].filter((name) =>
    known.includes(name),
  );
  const everywhere =
    environments.length === 0 ||
    environments.length === known.length ||
    same.some(({ value }) => value.environments.length === 0);
  return {
    slack: webhook === null ? { channel, token } : { webhook },
    ...(everywhere ? {} : { environments }),
    ...(same.every(({ value }) => value.failuresOnly) ? { events: ["failures"] } : {}),
  };
}
