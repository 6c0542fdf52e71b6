import { environment } from "./parts.ts";
import type { CommandEntry } from "./types.ts";

/** What is, and what was. Changes nothing. */
export const looking: readonly CommandEntry[] = [
  {
    name: "status",
    summary: "what is live where, whose it is, and whether it runs",
    arguments: [{ ...environment, required: false }],
    flags: [],
    examples: ["shiplock status", "shiplock status production --json"],
    load: () => import("../status.ts"),
  },
  {
    name: "history",
    summary: "deployments, newest first",
    arguments: [{ ...environment, required: false }],
    flags: [
      { flags: "--limit <count>", description: "how many (20)" },
      { flags: "--local", description: "only what this machine remembers; asks no host" },
      {
        flags: "--github",
        description: "GitHub's records, and what they say is live; asks no host",
        conflicts: ["local"],
      },
    ],
    examples: ["shiplock history production --limit 5", "shiplock history production --github"],
    load: () => import("../history.ts"),
  },
  {
    name: "logs",
    summary: "what the services of an environment write",
    arguments: [
      environment,
      { name: "services", description: "only these; also backing services", required: false, variadic: true },
    ],
    flags: [
      { flags: "-f, --follow", description: "go on until Ctrl-C" },
      { flags: "--tail <lines>", description: "how many of the last lines per container (100)" },
    ],
    examples: ["shiplock logs production web -f"],
    load: () => import("../logs.ts"),
  },
  {
    name: "drift",
    summary: "whether what runs is what is recorded; exit 1 if not",
    arguments: [environment],
    flags: [],
    examples: ["shiplock drift production"],
    load: () => import("../drift.ts"),
  },
  {
    name: "audit",
    summary: "who did what in an environment; --verify: whether somebody changed the log, exit 1 if so",
    arguments: [environment],
    flags: [
      { flags: "--limit <count>", description: "how many of the newest entries (50)" },
      { flags: "--since <when>", description: "only those since a day (2026-11-20) or for so long (2d)" },
      { flags: "--verify", description: "find a line that was changed, removed, put in or moved" },
      {
        flags: "--head <hash>",
        description: "verify that the log still holds the end that a deployment told; finds one that was written anew",
      },
    ],
    examples: ["shiplock audit production --since 7d", "shiplock audit production --verify --head 1f0c5a7be2d94c11"],
    load: () => import("../audit.ts"),
  },
];
