import { has, type Tree } from "./tree.ts";
import type { CheckDraft } from "./types.ts";

/** Where package managers keep what they fetched, for as long as the lists of packages stay the same. */
export function packageCaches(tree: Tree, directory: string, image: string): CheckDraft["caches"] {
  const there = (names: readonly string[]): readonly string[] =>
    names.filter((name) => has(tree, directory === "" ? name : `${directory}/${name}`));
  const node = there(["package-lock.json", "pnpm-lock.yaml", "yarn.lock"]).slice(0, 1);
  const python = there(["requirements.txt", "requirements-dev.txt", "uv.lock", "poetry.lock", "pyproject.toml"]);
  if (image.startsWith("node:") && node.length > 0)
    return [
      {
        path:
          node[0] === "package-lock.json"
            ? "/root/.npm"
            : node[0] === "yarn.lock"
              ? "/usr/local/share/.cache/yarn"
              : "/root/.local/share/pnpm/store",
        key: node,
      },
    ];
  return image.startsWith("python:") && python.length > 0 ? [{ path: "/root/.cache/pip", key: python }] : [];
}
