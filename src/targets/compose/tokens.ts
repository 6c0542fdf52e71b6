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

/** The variable that names a service's image in the final compose file and in `.env`. */
export function imageVariable(service: string): string {
  return `SHIPLOCK_IMAGE_${service.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`;
}
