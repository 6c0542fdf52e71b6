/** What Slack's refusals mean, and what to do about them; `@` stands for the channel. */
const refusals: Readonly<Record<string, readonly [detail: string, remedy: string]>> = {
  not_in_channel: ["the Slack app is no member of @", "invite it there: `/invite @name-of-the-app`"],
  channel_not_found: [
    "Slack knows no channel @ that the app may see",
    "look at its name or give its id; into a private channel the app has to be invited first",
  ],
  is_archived: ["the channel @ is archived", "take it out of the archive, or name another"],
  channel_is_archived: ["the channel is archived", "take it out of the archive, or make the webhook for another"],
  invalid_auth: ["Slack does not know the token", "set the secret to the app's bot token (it begins with xoxb-)"],
  not_authed: ["Slack got no token", "set the secret to the app's bot token (it begins with xoxb-)"],
  token_revoked: ["the token was revoked", "install the app anew and set the secret to its new bot token"],
  token_expired: ["the token has expired", "install the app anew and set the secret to its new bot token"],
  account_inactive: [
    "the app was removed from the workspace",
    "install it anew and set the secret to its new bot token",
  ],
  missing_scope: ["the app may not write", "give it the scope chat:write and install it anew"],
  no_permission: ["the app may not write", "give it the scope chat:write and install it anew"],
  not_allowed_token_type: [
    "the token is of another kind",
    "set the secret to the app's bot token (it begins with xoxb-)",
  ],
  restricted_action: ["a setting of the workspace forbids writing to @", "ask who looks after the workspace"],
  ratelimited: ["Slack asked for a longer pause than a deployment waits", "let fewer events be told in this channel"],
  no_service: ["this webhook was taken away", "make a new one, and set the secret to its address"],
  no_service_id: ["this is no address of a webhook", "set the secret to the whole address of the webhook"],
  no_team: ["this is no address of a webhook", "set the secret to the whole address of the webhook"],
  team_disabled: ["the workspace is closed", "make a webhook in another one"],
  invalid_token: ["this webhook was taken away", "make a new one, and set the secret to its address"],
  action_prohibited: ["a setting of the workspace forbids it", "ask who looks after the workspace"],
  posting_to_general_channel_denied: [
    "a setting of the workspace forbids writing to its first channel",
    "name another",
  ],
};

/**
 * A refusal of Slack in words.
 * @param code `error` of its answer, or the text of a webhook's
 * @param channel as configured; null where the other side knows it alone
 */
export function slackRefusal(code: string, channel: string | null): { detail: string; remedy: string | null } {
  const known = Object.hasOwn(refusals, code) ? refusals[code] : undefined;
  if (known === undefined) return { detail: `Slack refused it (${code.slice(0, 100)})`, remedy: null };
  const [detail, remedy] = known;
  return { detail: `${detail.replace("@", channel ?? "it")} (${code})`, remedy };
}
