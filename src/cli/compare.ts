import { changedKeys } from "../release/changed-keys.ts";
import { commitsBetween } from "../release/source.ts";
import type { ReleaseDocument } from "../release/types.ts";

export type Comparison = { same: boolean; sections: { heading: string; lines: string[] }[] };

const mostCommits = 50;

/**
 * What lies between two releases with their configurations: commits, images, configuration keys, secrets by name, migration. Values of configuration are shown; a secret has none here.
 * @param repository where git is asked for the commits
 */
export async function compareDocuments(
  from: ReleaseDocument | null,
  to: ReleaseDocument | null,
  repository: string,
): Promise<Comparison> {
  const sections = [
    { heading: "commits", lines: await commitLines(from, to, repository) },
    { heading: "images", lines: imageLines(from, to) },
    { heading: "configuration", lines: configurationLines(from, to) },
    {
      heading: "secrets (by name)",
      lines: listLines(from?.snapshot.secrets.names ?? [], to?.snapshot.secrets.names ?? []),
    },
    { heading: "migration", lines: migrationLines(from, to) },
  ].filter((section) => section.lines.length > 0);
  return { same: sections.length === 0, sections };
}

async function commitLines(
  from: ReleaseDocument | null,
  to: ReleaseDocument | null,
  repository: string,
): Promise<string[]> {
  const before = from?.release.commit;
  const after = to?.release.commit;
  if (after === undefined || before === after) return [];
  if (before === undefined) return [`+ ${after.slice(0, 7)} ${to?.release.subject ?? ""} (the first release here)`];
  const added = await commitsBetween(repository, before, after, mostCommits);
  const removed = await commitsBetween(repository, after, before, mostCommits);
  if (added === null || removed === null)
    return [`${before.slice(0, 7)} → ${after.slice(0, 7)} (this clone does not have both)`];
  return [...added.map((line) => `+ ${line}`), ...removed.map((line) => `- ${line}`)];
}

function imageLines(from: ReleaseDocument | null, to: ReleaseDocument | null): string[] {
  const names = new Set([...Object.keys(from?.release.images ?? {}), ...Object.keys(to?.release.images ?? {})]);
  return [...names].sort().flatMap((name) => {
    const before = from?.release.images[name];
    const after = to?.release.images[name];
    if (before?.digest === after?.digest) return [];
    return [
      `${name}: ${before === undefined ? "(none)" : short(before)} → ${after === undefined ? "(none)" : short(after)}`,
    ];
  });
}

function short(image: { tag: string; digest: string }): string {
  return `${image.tag} ${image.digest.slice(0, 19)}`;
}

function configurationLines(from: ReleaseDocument | null, to: ReleaseDocument | null): string[] {
  if (from === null) return [];
  return changedKeys(from, to).map(({ key, left, right }) => {
    if (left === undefined) return `+ ${key}: ${right}`;
    if (right === undefined) return `- ${key}`;
    return `~ ${key}: ${left} → ${right}`;
  });
}

/**
 * What one environment has of its own: the configuration keys that a release does not bring from another one, with their values here.
 * @param elsewhere the release as it is in the other environment
 * @param here the same release with this environment's configuration
 */
export function ownOf(elsewhere: ReleaseDocument, here: ReleaseDocument): string[] {
  return changedKeys(elsewhere, here).map(({ key, right }) => `${key}: ${right ?? "(not here)"}`);
}

function listLines(before: readonly string[], after: readonly string[]): string[] {
  return [
    ...after.filter((name) => !before.includes(name)).map((name) => `+ ${name}`),
    ...before.filter((name) => !after.includes(name)).map((name) => `- ${name}`),
  ];
}

function migrationLines(from: ReleaseDocument | null, to: ReleaseDocument | null): string[] {
  const migration = to?.snapshot.migration;
  if (migration === undefined || migration === null || from?.release.id === to?.release.id) return [];
  return [`${migration.command.join(" ")} in ${migration.service}, once for ${to?.release.id ?? ""}`];
}
