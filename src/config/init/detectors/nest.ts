import { codeOf, scriptSources } from "../search-code.ts";
import { nodeServerApp, serverEvidence } from "./node-server.ts";
import type { Detector, Place } from "./types.ts";

/** NestJS: compiled by its own tool, run as plain Node.js. */
export const nest: Detector = {
  kind: "NestJS",
  detect: (place) => {
    const { node } = place;
    const evidence = node === undefined ? undefined : serverEvidence(node, ["@nestjs/core"]);
    if (node === undefined || evidence === undefined) return undefined;
    const production = (node.scripts["start:prod"] ?? "").trim().split(/\s+/);
    // Without a script for it, this is where the tool's own compiler writes to.
    const command = production[0] === "node" && production.length > 1 ? production : ["node", "dist/main"];
    return nodeServerApp(place, node, { kind: "NestJS", evidence, paths: controllerPaths(place), command });
  },
};

/** Addresses of controllers: `@Controller("health")` with `@Get()`, below the prefix that all of them have. */
function controllerPaths({ tree, folder }: Place): readonly string[] {
  const code = scriptSources(tree, folder).map((path) => codeOf(tree, path));
  const prefix = code.flatMap((text) => /\.setGlobalPrefix\(\s*["']\/?([\w/-]+)["']/.exec(text)?.[1] ?? [])[0];
  return code.flatMap((text) => {
    const controller = /@Controller\(\s*(?:["']\/?([\w/-]*)["'])?\s*\)/.exec(text);
    if (controller === null) return [];
    return [...text.matchAll(/@Get\(\s*(?:["']\/?([\w/-]*)["'])?\s*\)/g)].map((get) => {
      const parts = [prefix, controller[1], get[1]].filter((part) => part !== undefined && part !== "");
      return `/${parts.join("/")}`;
    });
  });
}
