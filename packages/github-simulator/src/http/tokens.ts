import { createPublicKey, verify } from "node:crypto";
import type { World } from "../state/world.ts";
import type { Account, App, Caller, Permissions } from "../types.ts";

export type Tokens = {
  /** A token of an app's installation, as a workflow's `github.token` is one too. Ends after an hour where `expires` says so. */
  installation(
    app: App,
    bot: Account,
    permissions: Permissions | null,
    expires: boolean,
  ): { token: string; expiresAt: Date };
  personal(account: Account): string;
  /** Who asks with this `authorization` header; null for nobody; "refused" where the token is none or has ended. */
  caller(authorization: string | undefined): Caller | null | "refused";
};

const hourMs = 3_600_000;

/**
 * @param random 20 fresh bytes as hexadecimal digits, so that tokens of two simulators differ
 */
export function createTokens(world: World, random: () => string): Tokens {
  const known = new Map<string, { caller: Caller; expiresAt: Date | null }>();
  return { installation, personal, caller };

  function installation(
    app: App,
    account: Account,
    permissions: Permissions | null,
    expires: boolean,
  ): { token: string; expiresAt: Date } {
    const token = `ghs_${random()}`;
    const expiresAt = new Date(world.clock.now().getTime() + hourMs);
    known.set(token, { caller: { account, app, permissions, asApp: false }, expiresAt: expires ? expiresAt : null });
    return { token, expiresAt };
  }

  function personal(account: Account): string {
    const token = `ghp_${random()}`;
    known.set(token, { caller: { account, app: null, permissions: null, asApp: false }, expiresAt: null });
    return token;
  }

  function caller(authorization: string | undefined): Caller | null | "refused" {
    if (authorization === undefined) return null;
    const [, token = ""] = /^(?:token|bearer) (\S+)$/i.exec(authorization) ?? [];
    if (token.split(".").length === 3) return signedBy(token) ?? "refused";
    const entry = known.get(token);
    if (entry === undefined) return "refused";
    return entry.expiresAt !== null && entry.expiresAt <= world.clock.now() ? "refused" : entry.caller;
  }

  /** The app that signed a JSON Web Token with RS256: made at most a minute in the future, ending in at most ten minutes. */
  function signedBy(token: string): Caller | null {
    const [head = "", body = "", signature = ""] = token.split(".");
    const header = decoded(head) as { alg?: unknown };
    const claims = decoded(body) as { iss?: unknown; iat?: unknown; exp?: unknown };
    const entry = world.apps.find(({ app }) => String(app.id) === String(claims.iss) || app.clientId === claims.iss);
    const pem = entry?.app.publicKey ?? null;
    if (entry === undefined || pem === null || header.alg !== "RS256") return null;
    const key = createPublicKey(pem);
    if (!verify("RSA-SHA256", Buffer.from(`${head}.${body}`), key, Buffer.from(signature, "base64url"))) return null;
    const now = world.clock.now().getTime() / 1000;
    const { iat, exp } = claims;
    if (typeof iat !== "number" || typeof exp !== "number") return null;
    if (iat > now + 60 || exp <= now || exp - now > 600 + 60) return null;
    return { account: entry.bot, app: entry.app, permissions: null, asApp: true };
  }
}

function decoded(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
