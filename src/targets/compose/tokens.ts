import { createHash } from "node:crypto";

/**
 * Texts that stand in a stored model for what only a host or a deployment knows. They contain characters that no real path or value has together,
 * so they cannot be met by chance.
 */

/** Stands for a mounted file or folder: `shiplock-file://<hash>/<name>`. */
export function fileToken(hash: string, name: string): string {
  return `shiplock-file://${hash}/${name}`;
}

/** The text with every file token replaced by the path under the environment's folder on the host. */
export function resolveFileTokens(text: string, folder: string): string {
  return text.replaceAll("shiplock-file://", `${folder}/files/`);
}

/** What a secret's variable holds while Compose renders the model. The hyphens are in no variable's name, so it ends where it ends, whatever follows. */
export function secretSentinel(name: string): string {
  return `__shiplock-secret-${name}-__`;
}

/** The text with every sentinel replaced by a reference that demands a value, in Compose's own syntax. */
export function secretsToReferences(text: string): string {
  return text.replaceAll(
    /__shiplock-secret-([A-Za-z_][A-Za-z0-9_]*)-__/g,
    (_, name: string) => `\${${name}:?secret ${name} is not on this host}`,
  );
}

/**
 * The variable that names a service's image in the final compose file and in `.env`: `SHIPLOCK_IMAGE_WEB`, `SHIPLOCK_IMAGE_WEB_API_85047EB6`. It depends on the name alone. A name
 * of small letters and digits can be read back from its variable; of any other something is lost (`web-api`, `web_api` and `Web.api` look the same), so a part of its hash follows.
 */
export function imageVariable(service: string): string {
  const readable = `SHIPLOCK_IMAGE_${service.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`;
  if (/^[a-z0-9]+$/.test(service)) return readable;
  return `${readable}_${createHash("sha256").update(service).digest("hex").slice(0, 8).toUpperCase()}`;
}
