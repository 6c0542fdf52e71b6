import type { AuditAct } from "./types.ts";

/** Secrets that were read: their names, and where the values came from. */
export type SecretsRead = { readonly names: readonly string[]; readonly provider: string };

/**
 * That somebody read secrets, by their names: one act for each provider, with every name once.
 * @param known names that were entered before, by provider; these are left out, and the new ones are added
 */
export function auditSecrets(reads: readonly SecretsRead[], known: Map<string, Set<string>> = new Map()): AuditAct[] {
  return [...Map.groupBy(reads, ({ provider }) => provider)].flatMap(([provider, group]): AuditAct[] => {
    const before = known.get(provider) ?? new Set();
    const names = [...new Set(group.flatMap((read) => read.names))].filter((name) => !before.has(name)).sort();
    known.set(provider, new Set([...before, ...names]));
    return names.length === 0 ? [] : [{ action: "secrets-read", subject: null, details: { names, provider } }];
  });
}
