import { readFile } from "node:fs/promises";
import { createMemoryLedger } from "../../src/ledger/memory.ts";
import { ledgerContract } from "./contract.ts";
import { states } from "./samples.ts";

ledgerContract({
  name: "in-memory",
  open: async (_folder, options) => createMemoryLedger({ states, ...options }),
  openBackup: async (path) => createMemoryLedger({ states, snapshot: await readFile(path, "utf8") }),
});
