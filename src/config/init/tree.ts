import { posix } from "node:path";

/** The files of a repository as they were read: what is decided about it is decided from this alone. */
export type Tree = {
  /** Name of the folder it lies in. */
  readonly folderName: string;
  /** Every file, relative to the root, with forward slashes, sorted. Ignored files are not among them. */
  readonly paths: readonly string[];
  /** The text of a file; undefined for one that is not there, too large or not text. */
  text(path: string): string | undefined;
  /** Names of variables in files that git ignores, such as `.env`; never a value. */
  readonly ignoredVariables: Readonly<Record<string, readonly string[]>>;
};

/** A path below a folder; the root is "". */
export function at(folder: string, path: string): string {
  const joined = posix.normalize(posix.join(folder, path));
  return joined === "." ? "" : joined.replace(/\/$/, "");
}

/** Whether a path lies in a folder or below it; everything lies in the root. */
export function isBelow(folder: string, path: string): boolean {
  return folder === "" || path.startsWith(`${folder}/`);
}

/** The files of a folder and of the folders below it, relative to the root. */
export function filesBelow(tree: Tree, folder: string): readonly string[] {
  return tree.paths.filter((path) => isBelow(folder, path));
}

export function has(tree: Tree, path: string): boolean {
  return tree.paths.includes(path);
}

/** The first of these files of a folder that is there, relative to the root. */
export function firstOf(tree: Tree, folder: string, names: readonly string[]): string | undefined {
  return names.map((name) => at(folder, name)).find((path) => has(tree, path));
}

/** The tree without some files, as if they were not there. */
export function without(tree: Tree, hidden: readonly string[]): Tree {
  return {
    ...tree,
    paths: tree.paths.filter((path) => !hidden.includes(path)),
    text: (path) => (hidden.includes(path) ? undefined : tree.text(path)),
  };
}

/** The configuration's file: the name that is there, since two beside each other are an error. */
export function configFile(tree: Tree): "shiplock.yml" | "shiplock.yaml" {
  return tree.text("shiplock.yml") === undefined && tree.text("shiplock.yaml") !== undefined
    ? "shiplock.yaml"
    : "shiplock.yml";
}
