import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { filterPattern } from "../events.ts";
import type { ForeignAction, ForeignCall } from "../types.ts";
import { inputsOf, linesOf, placeOf } from "./inputs.ts";

export type Artifacts = Disposable & { readonly upload: ForeignAction; readonly download: ForeignAction };

/** `actions/upload-artifact` and `actions/download-artifact`: what jobs of one run hand on. */
export function createArtifacts(): Artifacts {
  const store = mkdtempSync(join(tmpdir(), "artifacts-"));
  const folderOf = ({ run }: ForeignCall, name: string): string => join(store, String(run.id), name);

  async function upload(call: ForeignCall): ReturnType<ForeignAction> {
    const input = inputsOf("actions/upload-artifact", call, [
      "name",
      "path",
      "if-no-files-found",
      "retention-days",
      "include-hidden-files",
      "overwrite",
      "compression-level",
    ]);
    const name = input("name") === "" ? "artifact" : input("name");
    if (/["<>|:*?\r\n\\/]/.test(name))
      throw new Error(`upload-artifact: the name ${name} has characters that GitHub refuses`);
    const hidden = input("include-hidden-files") === "true";
    const searched = linesOf(input("path")).flatMap((line) => {
      const found = globSync(placeOf(call, line));
      return found.length === 0 ? [] : [{ line, found }];
    });
    const files = searched.flatMap(({ found }) => found.flatMap((path) => filesBelow(path, hidden)));
    if (files.length === 0) {
      if (input("if-no-files-found") === "error") throw new Error(`upload-artifact: nothing at ${input("path")}`);
      if (input("if-no-files-found") !== "ignore")
        call.print(`::warning::No files were found with the path ${input("path")}`);
      return {};
    }
    const target = folderOf(call, name);
    if (existsSync(target)) {
      if (input("overwrite") !== "true")
        throw new Error(`upload-artifact: this run has an artifact ${name} already (409)`);
      rmSync(target, { recursive: true });
    }
    const [only] = searched;
    const from =
      searched.length === 1 && only?.found.length === 1 && statSync(only.found[0] ?? "").isDirectory()
        ? (only.found[0] ?? "")
        : commonFolder(files);
    for (const file of files) copy(file, join(target, relative(from, file)));
    return { outputs: { "artifact-id": "1" } };
  }

  async function download(call: ForeignCall): ReturnType<ForeignAction> {
    const input = inputsOf("actions/download-artifact", call, ["name", "pattern", "path", "merge-multiple"]);
    const all = join(store, String(call.run.id));
    const known = existsSync(all) ? readdirSync(all).sort() : [];
    const one = input("name");
    const chosen = one !== "" ? [one] : known.filter((name) => filterPattern(input("pattern") || "*").test(name));
    if (one !== "" && !known.includes(one)) throw new Error(`download-artifact: this run has no artifact ${one}`);
    const target = placeOf(call, input("path"));
    for (const name of chosen) {
      const into = one !== "" || input("merge-multiple") === "true" ? target : join(target, name);
      mkdirSync(into, { recursive: true });
      cpSync(folderOf(call, name), into, { recursive: true });
    }
    return { outputs: { "download-path": target } };
  }

  return { upload, download, [Symbol.dispose]: () => rmSync(store, { recursive: true, force: true }) };
}

/** Files at a path; such as begin with a dot, or lie in a folder that does, only if asked for. */
function filesBelow(path: string, hidden: boolean): string[] {
  if (!hidden && basename(path).startsWith(".")) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => filesBelow(join(path, name), hidden));
}

function commonFolder(files: readonly string[]): string {
  const folders = files.map((file) => dirname(file).split("/"));
  const [first = []] = folders;
  const length = first.findIndex((part, index) => !folders.every((folder) => folder[index] === part));
  return first.slice(0, length < 0 ? first.length : length).join("/") || "/";
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  // Artifacts are archives: owners and modes of files are not kept.
  cpSync(from, to);
}
