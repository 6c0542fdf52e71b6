import * as z from "zod";
import { eventWords } from "./notify-events.ts";
import * as part from "./schema-parts.ts";

function slack() {
  const shape = z.strictObject({
    channel: z
      .string()
      .regex(/^(?:#[^\s#@,]{1,80}|[A-Z0-9]{8,})$/, 'must be a channel such as "#deploys", or the id of one')
      .optional()
      .describe("Channel that the app writes to, as #name or as its id. Given together with `token`."),
    token: part
      .variableName("secret")
      .optional()
      .describe(
        "Name of the secret with the app's bot token (`xoxb-…`): one message per deployment, updated, with a thread.",
      ),
    webhook: part
      .variableName("secret")
      .optional()
      .describe("Name of the secret with the address of an incoming webhook: the simple form, a message per event."),
    api: webAddress(true)
      .optional()
      .describe("Address of Slack's API, for a Slack of another place. Default: `https://slack.com/api/`."),
  });
  return part.oneKeyOf(shape, ["token", "webhook"]);
}

function webhook() {
  const shape = z.strictObject({
    url: webAddress(false).optional().describe("Address that the messages are sent to by POST."),
    urlFrom: part
      .variableName("secret")
      .optional()
      .describe("Name of the secret with the address, where the address itself must not be known."),
    secret: part.variableName("secret").describe("Name of the secret that the messages are signed with (HMAC-SHA256)."),
  });
  return part.oneKeyOf(shape, ["url", "urlFrom"]);
}

function email() {
  return z.strictObject({
    to: z.array(mailbox()).min(1).max(50).describe("Addresses of the receivers."),
    from: mailbox().describe("Address of the sender."),
    smtp: z
      .strictObject({
        host: z
          .string()
          .regex(/^[A-Za-z0-9](?:[A-Za-z0-9.:-]*[A-Za-z0-9])?$/, "must be a host name or an address")
          .describe("The mail server."),
        port: part.port().optional().describe("Its port. Default: 587; 465 with `tls: implicit`, 25 with `tls: none`."),
        user: part.filledText().optional().describe("User name of the login. Given together with `password`."),
        password: part.variableName("secret").optional().describe("Name of the secret with the password."),
        tls: z
          .enum(["starttls", "implicit", "none"])
          .optional()
          .describe(
            "`starttls`: TLS is demanded after the greeting; `implicit`: from the start; `none`: in the clear, without a login. Default: `starttls`.",
          ),
        trustedRoot: part
          .filledText()
          .optional()
          .describe("PEM file with the certificate of an authority of your own, relative to this file."),
      })
      .describe("How mail leaves."),
  });
}

/** Who is told of what happens. */
export function notify() {
  const shape = z.strictObject({
    name: z
      .string()
      .regex(
        /^[a-z][a-z0-9-]{0,30}$/,
        "must be lower-case letters, digits and hyphens, at most 31, starting with a letter",
      )
      .optional()
      .describe("Name in output and records. Default: its kind, with a number if there are more of a kind."),
    slack: slack().optional().describe("A Slack channel, by an app's bot token or by an incoming webhook."),
    webhook: webhook().optional().describe("An HTTP endpoint of your own, which gets signed JSON."),
    email: email().optional().describe("Mailboxes."),
    "commit-status": z.literal(true).optional().describe("A mark beside the commit on GitHub, per environment."),
    "pull-request": z
      .literal(true)
      .optional()
      .describe("A comment on the pull request on GitHub that the commit came through: one, updated."),
    environments: z
      .array(z.string())
      .min(1)
      .optional()
      .describe("Only what happens in these environments. Default: all."),
    events: z
      .array(z.enum(eventWords))
      .min(1)
      .optional()
      .describe(
        "What is told: events by name, or the groups `failures` and `all`. Default: everything that somebody would want to know (docs/notifications.md).",
      ),
  });
  return z.array(part.oneKeyOf(shape, ["slack", "webhook", "email", "commit-status", "pull-request"]));
}

// Whoever knows more of an address (user, token in its path) gives it as a secret.
function webAddress(folder: boolean) {
  // A bot's token goes there with every message, so it does not travel in the clear but on this machine.
  const pattern = folder
    ? /^(?:https:\/\/[^\s/?#@]+|http:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?)(?:\/[^\s?#]*)?\/$/
    : /^https?:\/\/[^\s/?#@]+(?:\/[^\s#]*)?$/;
  const sentence = folder
    ? 'must be an address that starts with "https://" and ends with "/", without user or password'
    : 'must be an address that starts with "https://" or "http://", without user or password';
  return z.string().max(2_000).regex(pattern, sentence).meta({ secret: true });
}

// One address and nothing else: no name, no list, nothing that could end the header it is written into.
function mailbox() {
  return z
    .string()
    .max(254)
    .regex(
      /^[A-Za-z0-9._%+=~!#$&'*/?^`{|}-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/,
      'must be an address such as "ops@example.com"',
    );
}
