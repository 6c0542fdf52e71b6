import type { SecretProvider } from "../secrets/provider.ts";

/** That values were read, by name: what a record of it may hold. `environment` is null for what belongs to none. */
export type SecretRead = { names: readonly string[]; provider: string; environment: string | null };

/** What a command remembers of secrets: each provider with what it answered, so that every secret is read once, and at the first use. */
export type SecretMemory = {
  readonly providers: Map<string, SecretProvider>;
  /** Failures of providers that were told as a warning. */
  readonly warned: Set<string>;
  /** Every read so far, by name, for the audit log of what it was for; the same one more than once where more than one part of a command wants it. */
  readonly reads: SecretRead[];
};

export function createSecretMemory(): SecretMemory {
  return { providers: new Map(), warned: new Set(), reads: [] };
}
