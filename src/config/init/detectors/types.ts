import type { NodeProject } from "../node-project.ts";
import type { PythonProject } from "../python-project.ts";
import type { Tree } from "../tree.ts";
import type { App } from "../types.ts";

/** A folder as detectors see it. */
export type Place = {
  readonly tree: Tree;
  readonly folder: string;
  /** Name for image and service. */
  readonly name: string;
  readonly node: NodeProject | undefined;
  readonly python: PythonProject | undefined;
  /** Whether files of the team's may get a change. */
  readonly edits: boolean;
};

/** Says whether an application of its kind is in a folder. Decides from the files alone, and names what it decided by. */
export type Detector = { readonly kind: string; readonly detect: (place: Place) => App | undefined };
