import { at } from "../tree.ts";
import type { WrittenFile } from "../types.ts";

/** What init writes begins with this, so that it knows its own files again. */
export const marker = "# Written by `shiplock init`";

const always = [
  ".git",
  "**/.env",
  "**/.env.local",
  "**/.env.*.local",
  "**/Dockerfile*",
  "**/.dockerignore",
  "**/compose*.y*ml",
  "**/docker-compose*.y*ml",
  "shiplock.yml",
];

/** A `.dockerignore`: what builds make anew, what changes without changing the image, and what may hold secrets stays outside. */
export function dockerignore(folder: string, entries: readonly string[]): WrittenFile {
  return {
    path: at(folder, ".dockerignore"),
    text: `${[`${marker}: what no image is built from.`, ...always, ...entries].join("\n")}\n`,
    kind: "whole",
    why: "keeps secrets, caches and what changes nothing out of builds",
  };
}

export const nodeEntries = ["**/node_modules", "**/.next", "**/coverage", "**/*.tsbuildinfo"];
export const pythonEntries = [
  "**/__pycache__",
  "**/*.pyc",
  "**/.venv",
  "**/venv",
  "**/.pytest_cache",
  "**/.ruff_cache",
  "**/*.egg-info",
];
