import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Everything a bundle is made of: the source, the locked dependencies, and how it is built.
 * @param root folder of the repository
 * @param how the files that build it, by paths below the root
 * @returns SHA-256 in hexadecimal
 */
export function hashOfSources(root: string, how: readonly string[]): string {
  const hash = createHash("sha256");
  const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .sort()
    .map((file) => join("src", file));
  for (const file of [...files, "package.json", "package-lock.json", "scripts/hash-sources.ts", ...how]) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update("\0");
  }
  return hash.digest("hex");
}
