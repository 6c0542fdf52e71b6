import { z } from "zod";
import { registryError } from "./errors.ts";
import { parseJson } from "./manifest.ts";
import { type Budget, type HttpRequest, send, type Transport } from "./transport.ts";
import type { RegistryCredentials } from "./types.ts";

export type Challenge = { scheme: string; parameters: Readonly<Record<string, string>> };

const TOKEN_BYTES = 64 * 1024;
/** What the distribution specification gives a token that does not say how long it lasts, in seconds. */
const STANDARD_LIFE = 60;
const tokenAnswer = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().positive().optional().catch(undefined),
});

/** An Authorization header, and how long it will be taken in milliseconds; `null` for as long as the registry likes. */
export type Login = { header: string; lifeMs: number | null };

export type LoginOptions = {
  credentials: RegistryCredentials | null;
  /** Whether plain http is allowed. */
  insecure: boolean;
  /** What is wanted (`repository:shop/web:pull`), where the challenge does not say it. */
  scope: string;
  where: string;
  budget: Budget;
};

/** Reads a WWW-Authenticate header, which may hold several challenges (RFC 9110, 11.6.1). Names are in lower case. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  const pieces = header.matchAll(/([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/g);
  for (const [, name = "", quoted, bare] of pieces) {
    const value = quoted?.replaceAll(/\\(.)/g, "$1") ?? bare;
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: {} });
    else Object.assign(challenges.at(-1)?.parameters ?? {}, { [name.toLowerCase()]: value });
  }
  return challenges;
}

/**
 * What answers a challenge: a token from the challenge's realm (the distribution specification's token flow; without credentials an anonymous one), or the
 * credentials themselves.
 * @returns null when the challenge asks for a login and there is none
 * Errors: `registry/unauthorized`, `registry/denied`, `registry/bad-answer`, and those of `send`.
 */
export async function answerChallenge(
  transport: Transport,
  header: string | null,
  options: LoginOptions,
): Promise<Login | null> {
  const { credentials, where } = options;
  const challenges = parseChallenges(header ?? "");
  const bearer = challenges.find((challenge) => challenge.scheme === "bearer");
  if (bearer) return bearerToken(transport, bearer, options);
  if (!challenges.some((challenge) => challenge.scheme === "basic"))
    throw registryError("registry/bad-answer", "it asks for a login of a kind that is not known here", { where });
  if (credentials === null) return null;
  const login = basic(credentials);
  if (login !== null) return { header: login, lifeMs: null };
  throw registryError("registry/unauthorized", "it wants a user name and password, and the login is a token", {
    where,
  });
}

async function bearerToken(transport: Transport, { parameters }: Challenge, options: LoginOptions): Promise<Login> {
  const { where, budget } = options;
  const url = URL.parse(parameters.realm ?? "");
  if (url === null)
    throw registryError("registry/bad-answer", "it asks for a token and does not say from where", { where });
  const { status, body } = await send(transport, tokenRequest(url, parameters, options), budget);
  if (status === 401) throw registryError("registry/unauthorized", `${url.host} gives no token`, { where });
  if (status === 403) throw registryError("registry/denied", `${url.host} gives no token`, { where });
  if (status !== 200)
    throw registryError("registry/bad-answer", `${url.host} gives no token (status ${status})`, { where });

  const parsed = tokenAnswer.safeParse(parseJson(body, where));
  const token = parsed.success ? (parsed.data.token ?? parsed.data.access_token) : undefined;
  if (!token || !/^[\x21-\x7e]+$/.test(token))
    throw registryError("registry/bad-answer", `${url.host} gives no token`, { where });
  return { header: `Bearer ${token}`, lifeMs: (parsed.data?.expires_in ?? STANDARD_LIFE) * 1000 };
}

/** Name and password ask with GET, an identity token with the POST of OAuth 2. A challenge may want several scopes, which are asked for one by one. */
function tokenRequest(
  url: URL,
  parameters: Challenge["parameters"],
  { credentials, insecure, scope, where }: LoginOptions,
): HttpRequest {
  const scopes = (parameters.scope ?? scope).split(" ").filter((one) => one !== "");
  const rest = { headers: { accept: "application/json" }, maxBytes: TOKEN_BYTES, insecure, where };
  if (credentials !== null && "identityToken" in credentials) {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      service: parameters.service ?? "",
      client_id: "shiplock",
      scope: scopes.join(" "),
      refresh_token: credentials.identityToken,
    });
    const headers = { ...rest.headers, "content-type": "application/x-www-form-urlencoded" };
    return { ...rest, method: "POST", url, headers, body: Buffer.from(form.toString(), "utf8") };
  }
  if (parameters.service) url.searchParams.set("service", parameters.service);
  for (const one of scopes) url.searchParams.append("scope", one);
  const login = credentials === null ? null : basic(credentials);
  return {
    ...rest,
    method: "GET",
    url,
    headers: { ...rest.headers, ...(login === null ? {} : { authorization: login }) },
  };
}

function basic(credentials: RegistryCredentials): string | null {
  if ("identityToken" in credentials) return null;
  const pair = `${credentials.username}:${credentials.password}`;
  return `Basic ${Buffer.from(pair, "utf8").toString("base64")}`;
}
