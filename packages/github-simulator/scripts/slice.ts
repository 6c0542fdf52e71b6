// Writes openapi/github.json: of GitHub's own description what the simulator answers and sends, and the schemas that this
// reaches. The package is too large to be a dependency (430 MB unpacked), so it is fetched into a temporary folder.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { routeTable } from "../src/routes/table.ts";
import { describedName, webhookEvents } from "../src/webhooks/events.ts";

type Tree = { [key: string]: unknown };

const description = { name: "@octokit/openapi", version: "23.0.2", file: "generated/api.github.com.json" };
/** Names of properties can be these words too, so they are dropped only where a schema has them. */
const dropped = new Set([
  "description",
  "example",
  "examples",
  "summary",
  "externalDocs",
  "tags",
  "operationId",
  "title",
]);
const mostBytes = 1_500_000;

const work = mkdtempSync(join(tmpdir(), "github-description-"));
try {
  write("github.json", slice());
} finally {
  rmSync(work, { recursive: true, force: true });
}

function slice(): Tree {
  const { content, origin } = fetched(description);
  const all = content["paths"] as Record<string, Tree>;
  const paths: Record<string, Tree> = {};
  for (const { name } of routeTable(() => ({ token: "", expiresAt: new Date(0) }))) {
    const [method = "", path = ""] = name.split(" ");
    const operation = all[path]?.[method.toLowerCase()];
    if (operation === undefined) throw new Error(`GitHub describes no ${name}`);
    (paths[path] ??= {})[method.toLowerCase()] = lean(operation, "schema");
  }
  const described = content["x-webhooks"] as Record<string, { post: { requestBody: { content: Tree } } }>;
  const webhooks: Tree = {};
  for (const event of webhookEvents) {
    const json = described[describedName(event)]?.post.requestBody.content["application/json"] as Tree | undefined;
    if (json === undefined) throw new Error(`GitHub describes no webhook ${event}`);
    webhooks[event] = lean(json["schema"], "schema");
  }
  return { origin, paths, webhooks, ...reached({ paths, webhooks }, content) };
}

/** What is referred to from `start`, and from there, at the same address as in the whole document. */
function reached(start: Tree, document: Tree): Tree {
  const found: Tree = {};
  const seen = new Set<string>();
  const open = references(start);
  for (let reference = open.pop(); reference !== undefined; reference = open.pop()) {
    if (seen.has(reference)) continue;
    seen.add(reference);
    const names = reference.slice(2).split("/");
    const value = lean(
      names.reduce<unknown>((tree, name) => (tree as Tree)[name], document),
      "schema",
    );
    const folder = names.slice(0, -1).reduce<Tree>((tree, name) => (tree[name] ??= {}) as Tree, found);
    folder[names.at(-1) as string] = value;
    open.push(...references(value));
  }
  return found;
}

function references(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "$ref" && typeof inner === "string" ? [inner] : references(inner),
  );
}

/** Without what only explains. `place` tells a schema, whose keys are keywords, from what is keyed by names. */
function lean(value: unknown, place: "schema" | "names"): unknown {
  if (Array.isArray(value)) return value.map((inner) => lean(inner, "schema"));
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(
    ([key, inner]) => place === "names" || !(dropped.has(key) || key.startsWith("x-") || isDefault(key, inner)),
  );
  return Object.fromEntries(
    kept.map(([key, inner]) => [
      key,
      key === "enum" || key === "required"
        ? inner
        : lean(inner, place === "schema" && ["properties", "patternProperties"].includes(key) ? "names" : "schema"),
    ]),
  );
}

/** Defaults are kept where they are short: the simulator fills them in. */
function isDefault(key: string, value: unknown): boolean {
  return key === "default" && typeof value === "object";
}

function fetched(wanted: { name: string; version: string; file: string }): { content: Tree; origin: Tree } {
  const { name, version, file } = wanted;
  const [archive = ""] = execFileSync("npm", ["pack", `${name}@${version}`, "--silent"], {
    cwd: work,
    encoding: "utf8",
  })
    .trim()
    .split("\n");
  execFileSync("tar", ["-xzf", archive, `package/${file}`, "package/package.json", "package/LICENSE"], { cwd: work });
  copyFileSync(join(work, "package/LICENSE"), new URL("../openapi/LICENSE", import.meta.url));
  const about = JSON.parse(readFileSync(join(work, "package/package.json"), "utf8")) as { license: string };
  const content = JSON.parse(readFileSync(join(work, "package", file), "utf8")) as Tree;
  rmSync(join(work, "package"), { recursive: true });
  return { content, origin: { package: name, version, license: about.license } };
}

function write(name: string, content: Tree): void {
  const text = `${JSON.stringify(content)}\n`;
  if (text.length > mostBytes) throw new Error(`${name} would have ${text.length} bytes`);
  writeFileSync(new URL(`../openapi/${name}`, import.meta.url), text);
  process.stdout.write(`${name}: ${text.length} bytes\n`);
}
