import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { systemClock } from "../clock.ts";
import { notifySecrets } from "../config/resolve-notify.ts";
import type { Config, Notify } from "../config/types.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import { createEmail } from "../notify/email/smtp.ts";
import type { HttpTools } from "../notify/http-send.ts";
import { createSlackBot } from "../notify/slack/bot.ts";
import { createSlackWebhook } from "../notify/slack/incoming-webhook.ts";
import type { Notifier, NoticeRule } from "../notify/types.ts";
import { createWebhook } from "../notify/webhook.ts";
import { type CommandContext, openHistory } from "./context.ts";
import { githubNotifier } from "./github-notifiers.ts";
import { demandSecrets, ownerOf } from "./secrets.ts";

/** Everybody who can be told. What they need of secrets is looked up when they are told for the first time. */
export function noticeRules(context: CommandContext, config: Config): readonly NoticeRule[] {
  return config.notify.map((entry) => ({
    notifier: withSecrets(context, config, entry),
    environments: entry.environments ?? null,
    events: entry.events,
    named: entry.named,
  }));
}

/** Who lacks a secret answers every notice with that. */
function withSecrets(context: CommandContext, config: Config, entry: Notify): Notifier {
  const { name } = entry;
  let made: Notifier | null = null;
  return {
    name,
    tell: async (notice, signal) => {
      try {
        // With the signal of the telling: who interrupts a deployment is told how it ended.
        const asking = { ...context, signal };
        made ??= notifierOf(
          context,
          config,
          entry,
          await demandSecrets(asking, ownerOf(config, null), notifySecrets(entry), `the notifier ${name}`),
        );
      } catch (error) {
        // That nothing was touched is said to who deploys, and here it is not true.
        const remedy =
          error instanceof ShiplockError ? (error.remedy?.replace(/; nothing was touched$/, "") ?? null) : null;
        return { status: "failed", tries: 0, detail: messageOf(error), remedy, remember: null };
      }
      return made.tell(notice, signal);
    },
  };
}

function notifierOf(
  context: CommandContext,
  config: Config,
  { name, to }: Notify,
  secrets: Readonly<Record<string, string>>,
): Notifier {
  // A file that holds one mostly ends with a line end.
  const secret = (wanted: string): string => (secrets[wanted] ?? "").trim();
  const http: HttpTools = { clock: systemClock, random: Math.random };
  switch (to.kind) {
    case "slack": {
      const recall = (deployment: string): Promise<unknown> => recalled(context, config.project, name, deployment);
      return createSlackBot({ name, channel: to.channel, token: secret(to.token), api: to.api, http, recall });
    }
    case "slack-webhook":
      return createSlackWebhook({ name, url: secret(to.url), http });
    case "webhook": {
      const url = "text" in to.url ? to.url.text : secret(to.url.secret);
      return createWebhook({ name, url, secret: secret(to.secret), http, id: () => `n-${randomUUID()}` });
    }
    case "commit-status":
    case "pull-request":
      return githubNotifier(context, config, { name }, to.kind);
    case "email":
      return emailOf(config, name, to, secret);
  }
}

/** The file with the trusted certificate is read when the first mail goes out: a missing one is then told like every other failure. */
function emailOf(
  config: Config,
  name: string,
  { to, from, smtp }: Extract<Notify["to"], { kind: "email" }>,
  secret: (name: string) => string,
): Notifier {
  const { host, port, login, tls, trustedRoot } = smtp;
  return {
    name,
    tell: async (notice, signal) => {
      let trusted: string | null = null;
      try {
        if (trustedRoot !== undefined) trusted = await readFile(resolve(config.folder, trustedRoot), "utf8");
      } catch (error) {
        const detail = `the certificate that is trusted cannot be read: ${messageOf(error)}`;
        return { status: "failed", tries: 0, detail, remedy: "look at `smtp.trustedRoot`", remember: null };
      }
      const settings = {
        host,
        port,
        tls,
        trusted,
        login: login === undefined ? null : { user: login.user, password: secret(login.password) },
      };
      return createEmail({ name, to, from, smtp: settings, clock: systemClock }).tell(notice, signal);
    },
  };
}

/** What this notifier last remembered of a deployment, from the history on this machine. */
async function recalled(
  context: CommandContext,
  project: string,
  notifier: string,
  deployment: string,
): Promise<unknown> {
  try {
    const ledger = await openHistory(context);
    const deliveries = await ledger.notices({ project, deployment, limit: 1_000 }).finally(() => ledger.close());
    return deliveries.find((each) => each.notifier === notifier && each.payload !== null)?.payload ?? null;
  } catch (error) {
    context.output.note(`warning: what was told before could not be read: ${messageOf(error)}`);
    return null;
  }
}
