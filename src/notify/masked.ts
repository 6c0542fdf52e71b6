import type { Notice } from "./types.ts";

/** A notice without the values of secrets, wherever text stands in it. Event, level and states are words of ours. */
export function maskedNotice(notice: Notice, mask: (text: string) => string): Notice {
  const maybe = (text: string | null): string | null => (text === null ? null : mask(text));
  return {
    event: notice.event,
    level: notice.level,
    kind: notice.kind,
    at: notice.at,
    project: mask(notice.project),
    environment: maybe(notice.environment),
    deployment: maybe(notice.deployment),
    release: maybe(notice.release),
    commit: maybe(notice.commit),
    subject: maybe(notice.subject),
    ref: maybe(notice.ref),
    who: mask(notice.who),
    why: maybe(notice.why),
    outcome: maybe(notice.outcome),
    steps: notice.steps.map(({ title, host, ms, state }) => ({ title: mask(title), host: maybe(host), ms, state })),
    // Together, so that a value that goes over several lines is found too.
    lastLines: notice.lastLines.length === 0 ? [] : mask(notice.lastLines.join("\n")).split("\n"),
    links: { url: maybe(notice.links.url), log: maybe(notice.links.log) },
  };
}
