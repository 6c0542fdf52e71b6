import { eventsMeant, notifyEvents } from "./notify-events.ts";
import type { ConfigInput } from "./schema.ts";
import type { Notify, NotifyTarget } from "./types-notify.ts";

type NotifyInput = NonNullable<ConfigInput["notify"]>[number];
type EmailInput = NonNullable<NotifyInput["email"]>;

const usualPort = { starttls: 587, implicit: 465, none: 25 } as const;

/** Who is told, with names and events filled in. The rules have seen to it that every entry is one kind. */
export function resolveNotify(written: ConfigInput["notify"]): readonly Notify[] {
  const entries = written ?? [];
  const taken = new Set(entries.flatMap(({ name }) => name ?? []));
  return entries.map((entry) => {
    const to = targetOf(entry);
    const name = entry.name ?? freeName(kindOf(entry), taken);
    taken.add(name);
    return {
      name,
      to,
      environments: entry.environments,
      events: eventsMeant(entry.events, to.kind === "commit-status" || to.kind === "pull-request"),
      named: notifyEvents.filter((event) => entry.events?.includes(event) === true),
    };
  });
}

function kindOf(entry: NotifyInput): string {
  const kinds = ["slack", "webhook", "email", "commit-status", "pull-request"] as const;
  return kinds.find((kind) => entry[kind] !== undefined) ?? "email";
}

/** `slack`, `slack-2`, … */
function freeName(kind: string, taken: ReadonlySet<string>): string {
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? kind : `${kind}-${number}`;
    if (!taken.has(name)) return name;
  }
}

function targetOf(entry: NotifyInput): NotifyTarget {
  const { slack, webhook, email } = entry;
  if (slack?.token !== undefined && slack.channel !== undefined)
    return { kind: "slack", channel: slack.channel, token: slack.token, api: slack.api ?? "https://slack.com/api/" };
  if (slack?.webhook !== undefined) return { kind: "slack-webhook", url: slack.webhook };
  if (webhook?.url !== undefined) return { kind: "webhook", url: { text: webhook.url }, secret: webhook.secret };
  if (webhook?.urlFrom !== undefined)
    return { kind: "webhook", url: { secret: webhook.urlFrom }, secret: webhook.secret };
  if (email !== undefined) return { kind: "email", to: email.to, from: email.from, smtp: smtpOf(email.smtp) };
  if (entry["commit-status"] !== undefined) return { kind: "commit-status" };
  if (entry["pull-request"] !== undefined) return { kind: "pull-request" };
  throw new TypeError("notify: no rule has refused this configuration");
}

function smtpOf(smtp: EmailInput["smtp"]): Extract<NotifyTarget, { kind: "email" }>["smtp"] {
  const { host, user, password, tls = "starttls", trustedRoot } = smtp;
  return {
    host,
    port: smtp.port ?? usualPort[tls],
    login: user === undefined || password === undefined ? undefined : { user, password },
    tls,
    trustedRoot,
  };
}

/** Names of the secrets that notifiers need. */
export function notifySecrets({ to }: Notify): readonly string[] {
  switch (to.kind) {
    case "slack":
      return [to.token];
    case "slack-webhook":
      return [to.url];
    case "webhook":
      return [...("secret" in to.url ? [to.url.secret] : []), to.secret];
    case "commit-status":
    case "pull-request":
      return [];
    case "email":
      return to.smtp.login === undefined ? [] : [to.smtp.login.password];
  }
}
