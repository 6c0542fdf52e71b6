import { environment, noWait, noWatch, request } from "./parts.ts";
import type { CommandEntry } from "./types.ts";

/** What people say of a deployment or an environment. */
export const answering: readonly CommandEntry[] = [
  {
    name: "approve",
    summary: "approve a deployment that waits for it: these digests with this configuration",
    arguments: [environment, request],
    flags: [
      { flags: "--comment <text>", description: "kept with the approval" },
      { flags: "--run", description: "carry it out here, where its command is gone" },
      noWait,
      noWatch,
    ],
    examples: ["shiplock approve production", 'shiplock approve production d-1f2e3d4c --comment "tried it in staging"'],
    changes: true,
    load: () => import("../approve.ts"),
  },
  {
    name: "reject",
    summary: "refuse a deployment that waits for an approval: it ends",
    arguments: [environment, request],
    flags: [{ flags: "--comment <text>", description: "why; told to who asked for it" }],
    examples: ['shiplock reject production --comment "the migration locks the orders table"'],
    load: () => import("../reject.ts"),
  },
  {
    name: "cancel",
    summary: "call off a deployment that has not begun",
    arguments: [environment, request],
    flags: [],
    examples: ["shiplock cancel staging", "shiplock cancel production d-1f2e3d4c"],
    load: () => import("../cancel.ts"),
  },
  {
    name: "hold",
    summary: "keep an environment as it is for everybody else, for a time or until it is lifted",
    arguments: [environment],
    flags: [
      { flags: "--reason <text>", description: "why; shown to whoever is stopped by it" },
      { flags: "--for <time>", description: "such as 4h or 2d; until `unhold` if left out" },
      { flags: "--take-over", description: "also where somebody else holds it; recorded" },
    ],
    examples: ['shiplock hold staging --reason "demo of the new checkout" --for 2d'],
    load: () => import("../hold.ts"),
  },
  {
    name: "unhold",
    summary: "lift the hold of an environment",
    arguments: [environment],
    flags: [{ flags: "--take-over", description: "also where somebody else holds it; recorded" }],
    examples: ["shiplock unhold staging"],
    load: () => import("../unhold.ts"),
  },
  {
    name: "review",
    summary: "say that you have looked at somebody else's emergency",
    arguments: [
      environment,
      { name: "deployment", description: "the only one that is due, if left out", required: false },
    ],
    flags: [{ flags: "--comment <text>", description: "what was found; kept in the record and the audit log" }],
    examples: ['shiplock review production d-1f0c5a7b --comment "right call; the check is mended in #41"'],
    load: () => import("../review.ts"),
  },
];
