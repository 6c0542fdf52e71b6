/**
 * Why a tag cannot be the name of a version; null when it can.
 * @param prefixes of the environments' own tags: `staging-…` says where an image goes, and belongs to Shiplock
 */
export function versionProblem(name: string, prefixes: readonly string[]): string | null {
  if (name.toLowerCase() === "latest") return "it says nothing about which version it is";
  const prefix = prefixes.find((one) => name.startsWith(`${one}-`));
  if (prefix !== undefined) return `names that begin with "${prefix}-" are those of an environment's own images`;
  if (/^sha(?:256|512)-/.test(name)) return "names that begin so are for what belongs to another image";
  if (/^[0-9a-f]{7,40}$/.test(name)) return "it reads like a commit";
  return null;
}
