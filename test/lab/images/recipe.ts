import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** The label that says which recipe an image was made by; also inherited by what is built on it, which does no harm. */
export const recipeLabel = "lab.shiplock.recipe";

/** The folder with one build context per image. */
export const contexts = import.meta.dirname;

/** The public name of each image that the lab makes, and the folder of its build context. */
export const publicImages = {
  "node:24-slim": "node",
  "python:3.13-slim": "python",
  "postgres:17": "postgres",
  "redis:8": "redis",
  "caddy:2": "caddy",
} as const satisfies Record<string, string>;

export type PublicImage = keyof typeof publicImages;

/** Whether the lab makes an image of this name. */
export function isPublicImage(name: string): name is PublicImage {
  return Object.hasOwn(publicImages, name);
}

/**
 * A name for what goes in: equal parts give an equal recipe, on every machine. Twelve hexadecimal digits.
 * @param parts in order; text or bytes
 */
export function recipeOf(parts: readonly (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    const bytes = Buffer.from(part);
    // The length keeps ["ab", "c"] apart from ["a", "bc"].
    hash.update(`${bytes.length}:`).update(bytes);
  }
  return hash.digest("hex").slice(0, 12);
}

/** Every file below a folder as parts of a recipe: its path, whether it is executable, its content; sorted by path. */
export function folderParts(folder: string): (string | Buffer)[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .sort()
    .filter((path) => statSync(join(folder, path)).isFile())
    .flatMap((path) => {
      const file = join(folder, path);
      return [path, String(statSync(file).mode & 0o111), readFileSync(file)];
    });
}
