import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ForeignAction, ForeignCall } from "../types.ts";
import { inputsOf, linesOf, placeOf } from "./inputs.ts";

export type Caches = Disposable & {
  readonly both: ForeignAction;
  readonly restore: ForeignAction;
  readonly save: ForeignAction;
};

type Entry = { readonly key: string; readonly paths: string; readonly ref: string; readonly folder: string };

const known = ["key", "path", "restore-keys", "fail-on-cache-miss", "lookup-only"] as const;

/** `actions/cache`, `…/restore` and `…/save`: entries never change; a run sees those of its own branch, of its pull request's base and of the default branch. */
export function createCaches(): Caches {
  const store = mkdtempSync(join(tmpdir(), "caches-"));
  const entries: Entry[] = [];

  function find(call: ForeignCall, key: string, others: readonly string[], paths: string): Entry | undefined {
    const { event } = call.run;
    const base =
      typeof event.payload["pull_request"] === "object" ? [`refs/heads/${call.repository.defaultBranch}`] : [];
    const seen = [event.ref, ...base, `refs/heads/${call.repository.defaultBranch}`];
    for (const ref of seen) {
      const mine = entries.filter((entry) => entry.ref === ref && entry.paths === paths);
      const exact = mine.find((entry) => entry.key === key);
      if (exact !== undefined) return exact;
      for (const prefix of [key, ...others]) {
        const newest = mine.findLast((entry) => entry.key.startsWith(prefix));
        if (newest !== undefined) return newest;
      }
    }
    return undefined;
  }

  function put(call: ForeignCall, key: string, paths: string): void {
    if (entries.some((entry) => entry.key === key && entry.ref === call.run.event.ref && entry.paths === paths)) return;
    const folder = join(store, String(entries.length));
    for (const [index, path] of linesOf(paths).entries()) {
      const from = placeOf(call, path);
      if (existsSync(from)) cpSync(from, join(folder, String(index)), { recursive: true });
    }
    if (existsSync(folder)) entries.push({ key, paths, ref: call.run.event.ref, folder });
    else call.print(`::warning::There is nothing at the paths of the cache ${key}`);
  }

  async function restore(call: ForeignCall): ReturnType<ForeignAction> {
    const input = inputsOf("actions/cache/restore", call, known);
    const [key, paths] = [input("key"), input("path")];
    if (key === "" || key.length > 512 || key.includes(",")) throw new Error(`cache: GitHub refuses the key "${key}"`);
    const entry = find(call, key, linesOf(input("restore-keys")), paths);
    if (entry === undefined) {
      if (input("fail-on-cache-miss") === "true") throw new Error(`cache: there is no ${key}`);
      return { outputs: { "cache-hit": "", "cache-primary-key": key } };
    }
    if (input("lookup-only") !== "true") {
      for (const [index, path] of linesOf(paths).entries()) {
        const from = join(entry.folder, String(index));
        const to = placeOf(call, path);
        mkdirSync(dirname(to), { recursive: true });
        if (existsSync(from)) cpSync(from, to, { recursive: true });
      }
    }
    return {
      outputs: { "cache-hit": String(entry.key === key), "cache-primary-key": key, "cache-matched-key": entry.key },
    };
  }

  async function save(call: ForeignCall): ReturnType<ForeignAction> {
    const input = inputsOf("actions/cache/save", call, ["key", "path"]);
    put(call, input("key"), input("path"));
    return {};
  }

  async function both(call: ForeignCall): ReturnType<ForeignAction> {
    const restored = await restore(call);
    return {
      ...restored,
      post: async (succeeded) => {
        if (succeeded) put(call, call.inputs["key"] ?? "", call.inputs["path"] ?? "");
      },
    };
  }

  return { both, restore, save, [Symbol.dispose]: () => rmSync(store, { recursive: true, force: true }) };
}
