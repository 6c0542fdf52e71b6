import { dockerignore, nodeEntries } from "../dockerfiles/ignore.ts";
import { nodeInstall } from "../dockerfiles/node-parts.ts";
import { type StaticSite, staticPort, staticSiteFiles } from "../dockerfiles/static-site.ts";
import { bakedVariables } from "../search-code.ts";
import { at, firstOf } from "../tree.ts";
import { examplesFor, wantedBy } from "../variables.ts";
import { appOf, dependencyEvidence, nodeImage, textOf } from "./parts.ts";
import type { Detector, Place } from "./types.ts";

/** A bundler whose result is files: where they lie, which of them may be kept, which variables are baked in. */
type Bundler = {
  readonly kind: string;
  readonly packages: readonly string[];
  readonly baked: string;
  /** The site, or undefined where the project has a server of its own. */
  readonly site: (place: Place) => Omit<StaticSite, "args"> | undefined;
};

const bundlers: readonly Bundler[] = [
  {
    kind: "Astro, static",
    packages: ["astro"],
    baked: "PUBLIC_",
    site: ({ tree, folder }) => {
      const config = textOf(tree, firstOf(tree, folder, ["astro.config.mjs", "astro.config.ts", "astro.config.js"]));
      if (/\badapter\s*:|output\s*:\s*["'](server|hybrid)["']/.test(config)) return undefined;
      return {
        output: outputIn(config, /outDir\s*:\s*["']\.?\/?([\w./-]+?)\/?["']/, "dist"),
        hashed: "_astro",
        fallback: null,
      };
    },
  },
  {
    kind: "SvelteKit, static",
    packages: ["@sveltejs/adapter-static"],
    baked: "PUBLIC_",
    site: ({ tree, folder }) => {
      const config = textOf(tree, firstOf(tree, folder, ["svelte.config.js", "svelte.config.ts"]));
      const fallback = /fallback\s*:\s*["']([\w.-]+)["']/.exec(config)?.[1] ?? null;
      return {
        output: outputIn(config, /pages\s*:\s*["']([\w./-]+?)\/?["']/, "build"),
        hashed: "_app/immutable",
        fallback,
      };
    },
  },
  {
    kind: "Create React App",
    packages: ["react-scripts"],
    baked: "REACT_APP_",
    site: () => ({ output: "build", hashed: "static", fallback: "index.html" }),
  },
  {
    kind: "Vite",
    packages: ["vite"],
    baked: "VITE_",
    site: ({ tree, folder, node }) => {
      const serves = [
        "@sveltejs/kit",
        "@remix-run/dev",
        "@react-router/dev",
        "nuxt",
        "@solidjs/start",
        "vike",
        "@tanstack/react-start",
      ];
      if (serves.some((name) => node?.dependencies[name] !== undefined || node?.devDependencies[name] !== undefined))
        return undefined;
      // A library that is only tested or bundled with Vite has no page.
      if (textOf(tree, at(folder, "index.html")) === "") return undefined;
      const config = textOf(
        tree,
        firstOf(tree, folder, ["vite.config.ts", "vite.config.js", "vite.config.mjs", "vite.config.mts"]),
      );
      return {
        output: outputIn(config, /outDir\s*:\s*["']\.?\/?([\w./-]+?)\/?["']/, "dist"),
        hashed: outputIn(config, /assetsDir\s*:\s*["']([\w/-]+)["']/, "assets"),
        fallback: "index.html",
      };
    },
  },
];

/** Vite and other front ends that a build turns into files. */
export const staticSite: Detector = {
  kind: "static front end",
  detect: (place) => {
    const { tree, folder, node } = place;
    if (node === undefined || node.scripts["build"] === undefined) return undefined;
    const bundler = bundlers.find(({ packages }) => dependencyEvidence(node, packages) !== undefined);
    const found = bundler?.site(place);
    if (bundler === undefined || found === undefined) return undefined;
    const names = bakedVariables(tree, folder, bundler.baked);
    const site = { ...found, args: names };
    return appOf(place, bundler.kind, {
      evidence: [dependencyEvidence(node, bundler.packages) ?? ""],
      front: true,
      port: staticPort,
      health: { kind: "http", path: "/" },
      image: nodeImage(node),
      files: [
        ...staticSiteFiles(tree, node, site),
        dockerignore(node.installRoot, [...nodeEntries, `**/${site.output}`]),
      ],
      args: wantedBy(
        names,
        examplesFor(tree, folder).filter(({ name }) => names.includes(name)),
      ),
      notes: nodeInstall(tree, node).notes,
    });
  },
};

function outputIn(config: string, pattern: RegExp, otherwise: string): string {
  return pattern.exec(config)?.[1] ?? otherwise;
}
