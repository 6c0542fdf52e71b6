import type { Route } from "../routes/types.ts";

export type Matched = { readonly route: Route; readonly path: Readonly<Record<string, string>> };

/** What these may stand for has slashes in it; octokit writes them `%2F`, and GitHub takes both. */
const withSlashes = new Set(["ref", "path", "basehead"]);

/** Finds the route of a request; the one with more fixed words wins. */
export function routeFinder(routes: readonly Route[]): (method: string, path: string) => Matched | null {
  const patterns = routes
    .map((route) => {
      const [method = "", template = ""] = route.name.split(" ");
      const source = template
        .split("/")
        .map((part) => (part.startsWith("{") ? placeOf(part.slice(1, -1)) : part.replaceAll(".", String.raw`\.`)))
        .join("/");
      const fixed = template.split("/").filter((part) => !part.startsWith("{")).length;
      return { route, method, pattern: new RegExp(`^${source}$`), fixed };
    })
    .sort((one, other) => other.fixed - one.fixed);

  return function find(method: string, path: string): Matched | null {
    for (const { route, method: wanted, pattern } of patterns) {
      const groups = wanted === method ? pattern.exec(path)?.groups : undefined;
      if (wanted !== method || !pattern.test(path)) continue;
      const values = Object.entries(groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]);
      return { route, path: Object.fromEntries(values) };
    }
    return null;
  };
}

function placeOf(name: string): string {
  return `(?<${name}>${withSlashes.has(name) ? ".+" : "[^/]+"})`;
}
