import { nodeServerApp, serverEvidence } from "./node-server.ts";
import type { Detector } from "./types.ts";

const frameworks = [
  ["Fastify", "fastify"],
  ["Express", "express"],
  ["Koa", "koa"],
  ["Hono", "@hono/node-server"],
  ["hapi", "@hapi/hapi"],
] as const;

/** Servers by the library that they are written with. */
export const nodeFramework: Detector = {
  kind: "Express, Fastify, Koa, Hono, hapi",
  detect: (place) => {
    const { node } = place;
    if (node === undefined) return undefined;
    for (const [kind, name] of frameworks) {
      const evidence = serverEvidence(node, [name]);
      if (evidence !== undefined) return nodeServerApp(place, node, { kind, evidence });
    }
    return undefined;
  },
};
