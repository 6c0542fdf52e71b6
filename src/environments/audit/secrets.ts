import type { AuditAct } from "./types.ts";

/**
 * That somebody read secrets, by their names. It is told to the session's log (`audit.remark`), and stands in it with the change they were read for.
 * @param provider where the values came from: `environment`, a file, a store
 * @param subject what they were read for: a release, a deployment
 */
export function auditSecrets(names: readonly string[], provider: string, subject: string | null): AuditAct {
  return { action: "secrets-read", subject, details: { names: [...names].sort(), provider } };
}
