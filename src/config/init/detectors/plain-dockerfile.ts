import { findDockerfile } from "../dockerfile.ts";
import { examplesFor } from "../variables.ts";
import { appOf } from "./parts.ts";
import type { Detector } from "./types.ts";

/** A folder with a Dockerfile and nothing else that is known: what the Dockerfile says is all there is. */
export const plainDockerfile: Detector = {
  kind: "Dockerfile",
  detect: (place) => {
    const dockerfile = findDockerfile(place.tree, place.folder);
    if (dockerfile === undefined) return undefined;
    const port = dockerfile.ports[0] ?? null;
    return appOf(place, "Dockerfile", {
      evidence: [dockerfile.path],
      port,
      health:
        port === null
          ? {
              kind: "command",
              command: ["true"],
              comment: "Passes as soon as the container runs. A command that asks the program itself is better.",
            }
          : { kind: "tcp" },
      front: port !== null,
      wants: examplesFor(place.tree, place.folder).map((one) => ({ ...one, optional: true })),
    });
  },
};
