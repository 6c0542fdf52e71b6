import { django } from "./django.ts";
import { fastapi } from "./fastapi.ts";
import { flask } from "./flask.ts";
import { nest } from "./nest.ts";
import { next } from "./next.ts";
import { nodeFramework } from "./node-framework.ts";
import { plainDockerfile } from "./plain-dockerfile.ts";
import { plainNode } from "./plain-node.ts";
import { staticSite } from "./static-site.ts";
import type { Detector } from "./types.ts";

/** Every kind of application that is recognised; the first that finds one in a folder has it. A new one is one file and one entry here. */
export const detectors: readonly Detector[] = [
  next,
  django,
  fastapi,
  flask,
  nest,
  nodeFramework,
  staticSite,
  plainNode,
  plainDockerfile,
];
