/** Begins the tags of layer caches, so that they are told from tags of releases. */
export const cacheTagPrefix = "shiplock-cache";

/**
 * The name under which the layer cache of an image lies in a registry, one per platform.
 * @param cache `true`: beside the image, in its own repository; otherwise the repository that holds the caches of all images
 */
export function cacheReference(
  cache: true | string,
  image: { name: string; repository: string },
  platform: string,
): string {
  const where = platform.replaceAll("/", "-");
  if (cache === true) return `${image.repository}:${cacheTagPrefix}-${where}`;
  return `${cache}:${cacheTagPrefix}-${image.name}-${where}`;
}
