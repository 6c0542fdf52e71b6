import { at } from "../tree.ts";
import { membersOf } from "../node-project.ts";
import { nodeServerApp } from "./node-server.ts";
import type { Detector } from "./types.ts";

/** Anything else that is started by a script `start`. */
export const plainNode: Detector = {
  kind: "Node.js",
  detect: (place) => {
    const { tree, folder, node } = place;
    const start = node?.scripts["start"];
    // The root of a workspace starts others.
    if (node === undefined || start === undefined || membersOf(tree, folder).length > 0) return undefined;
    if (!/^node\s/.test(start.trim())) return undefined;
    return nodeServerApp(place, node, {
      kind: "Node.js",
      evidence: `script start of ${at(folder, "package.json")}: ${start.trim()}`,
    });
  },
};
