import { z } from "zod";
import { registryError } from "./errors.ts";
import { parseJson } from "./manifest.ts";
import { type Budget, send, type Transport } from "./transport.ts";
import type { RegistryAccess } from "./types.ts";

export type Challenge = { scheme: string; parameters: Readonly<Record<string, string>> };

const TOKEN_BYTES = 64 * 1024;
const tokenAnswer = z.object({ token: z.string().optional(), access_token: z.string().optional() });

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
 * The Authorization header that answers a challenge: a token from the challenge's realm (the distribution specification's token
 * flow; without credentials an anonymous one), or the credentials themselves.
 * @param options.scope what is wanted (`repository:shop/web:pull`), where the challenge does not say it
 * @returns null when the challenge asks for a login and there is none
 * Errors: `registry/unauthorized`, `registry/denied`, `registry/bad-answer`, and those of `send`.
 */
export async function answerChallenge(
  transport: Transport,
  header: string | null,
  options: { access: RegistryAccess; scope: string; where: string; budget: Budget },
): Promise<string | null> {
  const { access, where } = options;
  const challenges = parseChallenges(header ?? "");
  const bearer = challenges.find((challenge) => challenge.scheme === "bearer");
  if (bearer) return bearerToken(transport, bearer, options);
  if (challenges.some((challenge) => challenge.scheme === "basic")) return basic(access);
  throw registryError("registry/bad-answer", "it asks for a login of a kind that is not known here", { where });
}

async function bearerToken(
  transport: Transport,
  { parameters }: Challenge,
  options: { access: RegistryAccess; scope: string; where: string; budget: Budget },
): Promise<string> {
  const { access, scope, where, budget } = options;
  const url = URL.parse(parameters.realm ?? "");
  if (url === null)
    throw registryError("registry/bad-answer", "it asks for a token and does not say from where", { where });
  if (parameters.service) url.searchParams.set("service", parameters.service);
  url.searchParams.set("scope", parameters.scope ?? scope);

  const login = basic(access);
  const headers = { accept: "application/json", ...(login === null ? {} : { authorization: login }) };
  const request = { method: "GET", url, headers, maxBytes: TOKEN_BYTES, insecure: access.insecure, where } as const;
  const { status, body } = await send(transport, request, budget);
  if (status === 401) throw registryError("registry/unauthorized", `${url.host} gives no token`, { where });
  if (status === 403) throw registryError("registry/denied", `${url.host} gives no token`, { where });
  if (status !== 200)
    throw registryError("registry/bad-answer", `${url.host} gives no token (status ${status})`, { where });

  const parsed = tokenAnswer.safeParse(parseJson(body, where));
  const token = parsed.success ? (parsed.data.token ?? parsed.data.access_token) : undefined;
  if (!token || !/^[\x21-\x7e]+$/.test(token))
    throw registryError("registry/bad-answer", `${url.host} gives no token`, { where });
  return `Bearer ${token}`;
}

function basic({ credentials }: RegistryAccess): string | null {
  if (credentials === null) return null;
  const pair = `${credentials.username}:${credentials.password}`;
  return `Basic ${Buffer.from(pair, "utf8").toString("base64")}`;
}
