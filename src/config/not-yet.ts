/** A key (or a value of a key) that is designed but not built: `path` uses `*` for any name and any list index. */
export type NotYet = { path: string; value?: string; feature: string };

/**
 * Every key of the design whose feature does not exist yet. Such a key is refused with its own sentence, never accepted and ignored.
 * Whoever builds a feature takes its line out of here and puts the key into the schema.
 */
export const NOT_YET: readonly NotYet[] = [
  { path: "previews", feature: "previews are" },
  { path: "backup", feature: "backups of backing services are" },
  { path: "retention.days", feature: "retention by age is" },
  { path: "server", feature: "the server is" },
  { path: "registry.provider", feature: "logins through a cloud provider are" },
  { path: "images.*.scan", feature: "scans that differ between images are" },
  { path: "images.*.cache", feature: "the choice of a build cache is" },
  { path: "images.*.sign", feature: "signatures are" },
  { path: "images.*.provenance", feature: "leaving out the provenance is" },
  { path: "images.*.builder", feature: "build hosts are" },
  { path: "services.*.restart", feature: "restarting containers that turn unhealthy later is" },
  { path: "services.*.warm", feature: "warm-up requests are" },
  { path: "migrations.kind", feature: "the distinction of expand and contract migrations is" },
  { path: "migrations.lint", feature: "the linter for migrations is" },
  { path: "environments.*.migrations.kind", feature: "the distinction of expand and contract migrations is" },
  { path: "environments.*.migrations.lint", feature: "the linter for migrations is" },
  { path: "environments.*.strategy.canary", feature: "canary deployments are" },
  { path: "environments.*.strategy", value: "canary", feature: "canary deployments are" },
  { path: "environments.*.strategy.blue-green", feature: "blue-green deployments are" },
  { path: "environments.*.strategy", value: "blue-green", feature: "blue-green deployments are" },
  { path: "environments.*.target.process", feature: "targets without Docker are" },
  { path: "environments.*.target.swarm", feature: "Docker Swarm targets are" },
  { path: "environments.*.target.ecs", feature: "AWS ECS targets are" },
];

/** What is not built yet at this key path, or at this value of it. */
export function notYetAt(path: readonly PropertyKey[], value?: unknown): NotYet | undefined {
  return NOT_YET.find((entry) => entry.value === value && matches(entry.path.split("."), path));
}

/** The keys that are not built yet directly below this key path. */
export function notYetKeys(path: readonly PropertyKey[]): readonly string[] {
  return NOT_YET.flatMap((entry) => {
    const parts = entry.path.split(".");
    const key = parts.pop() ?? "";
    return entry.value === undefined && matches(parts, path) ? [key] : [];
  });
}

/** The sentence for a key or value that is not built yet. */
export function notYetSentence(entry: NotYet): string {
  if (entry.value !== undefined) return `${entry.feature} not built yet; choose another value than "${entry.value}"`;
  return `${entry.feature} not built yet; remove the key "${entry.path.split(".").at(-1)}"`;
}

function matches(pattern: readonly string[], path: readonly PropertyKey[]): boolean {
  return pattern.length === path.length && pattern.every((part, index) => part === "*" || part === path[index]);
}
