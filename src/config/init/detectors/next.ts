import { nodeEntries } from "../dockerfiles/ignore.ts";
import { nextDockerfile } from "../dockerfiles/next.ts";
import { staticPort, staticSiteFiles } from "../dockerfiles/static-site.ts";
import { dockerignore } from "../dockerfiles/ignore.ts";
import { nodeInstall } from "../dockerfiles/node-parts.ts";
import { standaloneEdit } from "../next-config.ts";
import { bakedVariables, healthPathAmong, variablesOfScripts } from "../search-code.ts";
import { at, filesBelow, firstOf } from "../tree.ts";
import { examplesFor, wantedBy } from "../variables.ts";
import { appOf, dependencyEvidence, healthBy, imageFiles, nodeBacking, nodeImage, textOf } from "./parts.ts";
import type { Detector, Place } from "./types.ts";

const configFiles = ["next.config.ts", "next.config.mjs", "next.config.js", "next.config.cjs"];

/** Next.js: a server of its own by the standalone output, or a folder of pages where the project exports them. */
export const next: Detector = {
  kind: "Next.js",
  detect: (place) => {
    const { tree, folder, node } = place;
    if (node === undefined || node.dependencies["next"] === undefined) return undefined;
    const evidence = [dependencyEvidence(node, ["next"]) ?? ""];
    const config = firstOf(tree, folder, configFiles);
    const examples = examplesFor(tree, folder);
    const names = bakedVariables(tree, folder, "NEXT_PUBLIC_");
    const args = wantedBy(
      names,
      examples.filter(({ name }) => names.includes(name)),
    );
    if (/\boutput\s*:\s*["']export["']/.test(textOf(tree, config))) {
      const site = { output: "out", hashed: "_next/static", fallback: null, args: names };
      return appOf(place, "Next.js, exported", {
        evidence: [...evidence, `output: "export" in ${config}`],
        front: true,
        port: staticPort,
        health: { kind: "http", path: "/" },
        image: nodeImage(node),
        files: [...staticSiteFiles(tree, node, site), dockerignore(node.installRoot, [...nodeEntries, "**/out"])],
        args,
        notes: nodeInstall(tree, node).notes,
      });
    }
    const edit = standaloneEdit(tree, folder, config, place.edits);
    const port = Number(/\s(?:-p|--port)[ =](\d{2,5})\b/.exec(node.scripts["start"] ?? "")?.[1] ?? "3000");
    const dockerfile = nextDockerfile(tree, node, { port, args: names, standalone: edit.kind !== "cannot" });
    const health = healthBy(healthPathAmong(routesOf(place)));
    return appOf(place, "Next.js", {
      evidence,
      front: true,
      port,
      health,
      image: nodeImage(node),
      files: [
        ...imageFiles(place, node.installRoot, dockerfile, nodeEntries),
        ...(edit.kind === "edit" ? [edit.file] : []),
      ],
      args,
      wants: wantedBy(
        variablesOfScripts(tree, folder),
        examples.filter(
          ({ name }) => !name.startsWith("NEXT_PUBLIC_") && !["PORT", "HOSTNAME", "NODE_ENV"].includes(name),
        ),
      ),
      backing: nodeBacking(node),
      notes: [...nodeInstall(tree, node).notes, ...(edit.kind === "cannot" ? [edit.note] : [])],
    });
  },
};

/** Addresses that the project answers by a file: `app/api/health/route.ts`, `pages/api/health.ts`. */
function routesOf({ tree, folder }: Place): readonly string[] {
  return filesBelow(tree, folder).flatMap((path) => {
    const inside = path
      .slice(at(folder, "").length)
      .replace(/^\//, "")
      .replace(/^src\//, "");
    const route = /^app\/(.*)\/route\.[jt]s$/.exec(inside)?.[1] ?? /^pages\/(api\/.*)\.[jt]s$/.exec(inside)?.[1];
    // Folders in brackets take any name, those in parentheses are no part of the address.
    if (route === undefined || /[[\]@]/.test(route)) return [];
    return [`/${route.replaceAll(/\([^)]*\)\//g, "").replace(/\/index$/, "")}`];
  });
}
