import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { ShiplockError } from "../../errors.ts";

/** GitHub takes at most ten minutes; a clock that is a minute wrong, this way or that, still fits. */
const usableMs = 9 * 60_000;
const skewMs = 60_000;

/**
 * The private key of a GitHub App, as GitHub hands it out (PKCS #1) or as other programs keep it (PKCS #8). Line ends that were written as `\n` into a variable are read as ones.
 * @throws {ShiplockError} `github/app-key`; nothing of the key stands in it
 */
export function readAppKey(pem: string): KeyObject {
  const written = pem.replaceAll(String.raw`\n`, "\n").trim();
  const trouble = troubleWith(written);
  if (trouble !== null) throw badKey(trouble);
  try {
    const key = createPrivateKey(written);
    if (key.asymmetricKeyType === "rsa") return key;
  } catch {
    // What OpenSSL says of a broken key helps nobody, and could repeat some of it.
    throw badKey("it cannot be read: part of it is missing or was changed");
  }
  throw badKey("it is no RSA key");
}

function troubleWith(pem: string): string | null {
  if (pem === "") return "it is empty";
  if (/-----BEGIN (RSA )?PUBLIC KEY-----/.test(pem)) return "it is a public key";
  if (/-----BEGIN OPENSSH PRIVATE KEY-----/.test(pem)) return "it is a key for SSH";
  if (/ENCRYPTED/.test(pem)) return "it is locked with a password";
  if (!/^-----BEGIN (RSA )?PRIVATE KEY-----/.test(pem)) return "it does not begin with -----BEGIN RSA PRIVATE KEY-----";
  if (!/-----END (RSA )?PRIVATE KEY-----$/.test(pem)) return "its end is missing: all of its lines are needed";
  return null;
}

function badKey(why: string): ShiplockError {
  return new ShiplockError({
    code: "github/app-key",
    blame: "usage",
    message: `the private key of the GitHub App cannot be used: ${why}`,
    remedy: 'make a key on the App\'s page on GitHub ("Generate a private key") and give the whole file',
  });
}

/**
 * What an App shows GitHub to prove itself: a JSON Web Token, signed with RS256.
 * @param app id of the App, or its client id
 */
export function signedAsApp(app: string, key: KeyObject, now: Date): string {
  const seconds = (ms: number): number => Math.floor(ms / 1_000);
  const claims = { iat: seconds(now.getTime() - skewMs), exp: seconds(now.getTime() + usableMs - skewMs), iss: app };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
}
