/**
 * Environments' own names for what they keep are `shiplock.local/<project>-<environment>/…`; "build" holds no hyphen, so none of these is meant by another.
 */
const prefix = "shiplock.local/build/";

/** The name of an image that goes to no registry, in the engine that builds it. Nobody is asked for an address that ends in `.local` by a public name server. */
export function localRepository(project: string, image: string): string {
  return `${prefix}${project}/${image}`;
}

/** Whether a repository, also with a tag, is such a name. */
export function isLocalRepository(repository: string): boolean {
  return repository.startsWith(prefix);
}
