const dayMs = 86_400_000;

/** A secret whose value is older than it should be; days are whole ones. */
export type OldSecret = { name: string; days: number };

/** Whole days since a value was set. */
export function daysSince(updatedAt: Date, now: Date): number {
  return Math.max(0, Math.floor((now.getTime() - updatedAt.getTime()) / dayMs));
}

/**
 * The secrets whose values are older than they may be, the oldest first. One whose age nobody knows is none of them.
 * @param maxAgeMs milliseconds; `undefined`: any age is fine
 */
export function oldSecrets(
  secrets: Iterable<{ name: string; updatedAt: Date | null }>,
  maxAgeMs: number | undefined,
  now: Date,
): OldSecret[] {
  if (maxAgeMs === undefined) return [];
  return [...secrets]
    .flatMap(({ name, updatedAt }) =>
      updatedAt !== null && now.getTime() - updatedAt.getTime() > maxAgeMs
        ? [{ name, days: daysSince(updatedAt, now) }]
        : [],
    )
    .toSorted((a, b) => b.days - a.days || (a.name < b.name ? -1 : 1));
}

/** One line about them: `secrets older than 90 days: TOKEN (120 days), KEY (91 days)`. */
export function oldSecretsText(old: readonly OldSecret[], maxAgeMs: number): string {
  const names = old.map(({ name, days }) => `${name} (${days} days)`).join(", ");
  return `${old.length === 1 ? "a secret is" : "secrets are"} older than ${Math.round(maxAgeMs / dayMs)} days: ${names}`;
}
