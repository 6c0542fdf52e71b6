import type { ForeignAction } from "../types.ts";
import { createArtifacts } from "./artifacts.ts";
import { createCaches } from "./caches.ts";
import { checkout } from "./checkout.ts";

export type ForeignActions = Disposable & {
  /** @throws Error for an action that is not in the table, or not pinned by its commit */
  find(uses: string): ForeignAction;
};

/** Actions from elsewhere that generated workflows may use, as far as they use them. */
export function createForeignActions(): ForeignActions {
  const artifacts = createArtifacts();
  const caches = createCaches();
  const table: Readonly<Record<string, ForeignAction>> = {
    "actions/checkout": checkout,
    "actions/upload-artifact": artifacts.upload,
    "actions/download-artifact": artifacts.download,
    "actions/cache": caches.both,
    "actions/cache/restore": caches.restore,
    "actions/cache/save": caches.save,
  };
  return {
    find: (uses) => {
      const [name = "", version = ""] = uses.split("@");
      const action = table[name];
      if (action === undefined) throw new Error(`the runner for tests does not know the action ${uses}`);
      if (!/^[0-9a-f]{40}$/.test(version)) throw new Error(`${uses} is not pinned by its commit`);
      return action;
    },
    [Symbol.dispose]: () => {
      artifacts[Symbol.dispose]();
      caches[Symbol.dispose]();
    },
  };
}
