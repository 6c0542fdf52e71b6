import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after } from "node:test";
import { startGitHubSimulator } from "../../../packages/github-simulator/src/index.ts";
import { createMemoryLedger } from "../../../src/ledger/memory.ts";
import { ledgerContract } from "../contract.ts";
import { states } from "../samples.ts";
import { openShared } from "./shared.ts";

// One GitHub for all of the contract, where each ledger is of a repository of its own: they would see each other's otherwise.
const simulators: { close(): Promise<void> }[] = [];
after(() => Promise.all(simulators.map((simulator) => simulator.close())));

ledgerContract({
  name: "GitHub",
  open: async (_folder, options) => {
    const github = await startGitHubSimulator({ madeUpCommits: true });
    simulators.push(github);
    const { ledger, warnings } = openShared(github, { states, inner: createMemoryLedger({ states, ...options }) });
    const close = async (): Promise<void> => {
      await ledger.close();
      assert.deepEqual(warnings, [], "GitHub was told everything");
    };
    return { ...ledger, close };
  },
  openBackup: async (path) => createMemoryLedger({ states, snapshot: await readFile(path, "utf8") }),
});
