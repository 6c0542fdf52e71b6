import { filesBelow, type Tree } from "./tree.ts";

/** Last parts of paths that answer whether a program is well, the plainest word first. */
const healthWords = [
  "health",
  "healthz",
  "healthcheck",
  "health-check",
  "health_check",
  "_health",
  "readyz",
  "ready",
  "readiness",
  "livez",
  "live",
  "liveness",
  "up",
  "ping",
  "status",
] as const;

/** The best of these paths to ask for health; undefined where none says so by its name. */
export function healthPathAmong(paths: readonly string[]): string | undefined {
  const rank = (path: string): number =>
    healthWords.findIndex((word) => word === path.replace(/\/$/, "").split("/").at(-1)?.toLowerCase());
  const fitting = paths.filter((path) => rank(path) >= 0 && /^\/[\w./-]*$/.test(path));
  return fitting.toSorted((a, b) => rank(a) - rank(b) || a.length - b.length || (a < b ? -1 : 1))[0];
}

/** The JavaScript and TypeScript sources of a folder without tests, relative to the root. */
export function scriptSources(tree: Tree, folder: string): readonly string[] {
  return filesBelow(tree, folder).filter(
    (path) =>
      /\.[cm]?[jt]sx?$/.test(path) &&
      !/\.(test|spec|config|d)\.[cm]?[jt]sx?$/.test(path) &&
      !/(^|\/)(node_modules|__tests__|tests?|e2e|cypress|scripts|dist|build|\.storybook)\//.test(path),
  );
}

/** The text of a source without comments, so that nothing is found that does not run. Addresses keep their slashes. */
export function codeOf(tree: Tree, path: string): string {
  const text = tree.text(path) ?? "";
  if (path.endsWith(".py")) return text.replaceAll(/^\s*#.*$/gm, "");
  return text.replaceAll(/\/\*[^]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
}

/**
 * Paths that a server answers by its own: `app.get("/health", …)`, or `request.url === "/health"` in a server without a framework; not those of routers, whose place is
 * not known.
 */
export function serverPaths(tree: Tree, folder: string): readonly string[] {
  return scriptSources(tree, folder).flatMap((path) =>
    [
      ...codeOf(tree, path).matchAll(
        /\b(?:app|server|fastify|instance|api)\s*\.\s*(?:get|all|use)\s*(?:<[^>]*>)?\(\s*["'`](\/[^"'`]*)["'`]|\.url\s*===?\s*["'`](\/[^"'`]*)["'`]/g,
      ),
    ].map((match) => match[1] ?? match[2] ?? ""),
  );
}

/** The port that a server listens on by its sources, with whether `PORT` changes it. */
export function serverPort(
  tree: Tree,
  folder: string,
): { readonly port: number | undefined; readonly byVariable: boolean } {
  const code = scriptSources(tree, folder).map((path) => codeOf(tree, path));
  const byVariable = code.some((text) => /process\.env(?:\.PORT\b|\[["']PORT["']\])/.test(text));
  const patterns = [
    /process\.env(?:\.PORT\b|\[["']PORT["']\])\s*\)?\s*(?:\|\||\?\?)\s*["']?(\d{2,5})\b/,
    /\.listen\(\s*(\d{2,5})\b/,
    /\b(?:PORT|port)\s*[:=]\s*["']?(\d{2,5})\b/,
  ];
  const port = patterns.flatMap((pattern) => code.flatMap((text) => pattern.exec(text)?.[1] ?? []))[0];
  return { port: port === undefined ? undefined : Number(port), byVariable };
}

/** Variables that sources cannot do without: read with no value of their own beside them. */
export function variablesOfScripts(tree: Tree, folder: string): readonly string[] {
  const own = new Set(["NODE_ENV", "PORT", "HOST", "HOSTNAME", "CI", "NEXT_RUNTIME", "TZ", "PWD", "HOME", "PATH"]);
  const names = scriptSources(tree, folder).flatMap((path) =>
    [
      ...codeOf(tree, path).matchAll(
        /process\.env(?:\.([A-Z][A-Z0-9_]*)\b|\[["']([A-Z][A-Z0-9_]*)["']\])(?!\s*(?:\)\s*)?(?:\|\||\?\?))/g,
      ),
    ].map((match) => match[1] ?? match[2] ?? ""),
  );
  return unique(
    names.filter((name) => !own.has(name) && !/^(NEXT_PUBLIC|VITE|REACT_APP|PUBLIC|npm|VERCEL)_/.test(name)),
  );
}

/** Variables with one of these beginnings, which a bundler bakes into what browsers load. */
export function bakedVariables(tree: Tree, folder: string, beginning: string): readonly string[] {
  const pattern = new RegExp(`(?:process\\.env|import\\.meta\\.env)(?:\\.|\\[["'])(${beginning}[A-Z0-9_]+)`, "g");
  return unique(
    scriptSources(tree, folder).flatMap((path) =>
      [...codeOf(tree, path).matchAll(pattern)].map((match) => match[1] ?? ""),
    ),
  );
}

/** Variables that Python sources cannot do without. */
export function variablesOfPython(tree: Tree, sources: readonly string[]): readonly string[] {
  const pattern =
    /os\.environ\[\s*["']([A-Z][A-Z0-9_]*)["']\s*\]|os\.(?:environ\.get|getenv)\(\s*["']([A-Z][A-Z0-9_]*)["']\s*\)|\benv(?:\.\w+)?\(\s*["']([A-Z][A-Z0-9_]*)["']\s*\)/g;
  const names = sources.flatMap((path) =>
    [...codeOf(tree, path).matchAll(pattern)].map((match) => match[1] ?? match[2] ?? match[3] ?? ""),
  );
  return unique(names.filter((name) => name !== "DJANGO_SETTINGS_MODULE"));
}

/** Each once, sorted. */
export function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)].toSorted();
}
