import { branchesGate } from "./branches.ts";
import { confirmGate } from "./confirm.ts";
import { driftGate } from "./drift.ts";
import { freezeGate } from "./freeze.ts";
import { guardGate } from "./guard.ts";
import { holdGate } from "./hold.ts";
import { newerGate } from "./newer.ts";
import { orderGate } from "./order.ts";
import { reviewedGate } from "./reviewed.ts";
import { reviewersGate } from "./reviewers.ts";
import { schemaGate } from "./schema.ts";
import { statusesGate } from "./statuses.ts";
import { triggerGate } from "./trigger.ts";
import type { Gate } from "./types.ts";
import { waitGate } from "./wait.ts";

/** Every gate that is judged on facts of the environment, in the order in which they are shown. A new one is one file and one entry here. */
export const gates: readonly Gate[] = [
  statusesGate,
  reviewedGate,
  schemaGate,
  triggerGate,
  branchesGate,
  confirmGate,
  guardGate,
  holdGate,
  newerGate,
  orderGate,
  freezeGate,
  driftGate,
  waitGate,
  reviewersGate,
];

/** Those that need no release, so that they can be asked before anything is checked or built. */
export const earlyGates: readonly Gate[] = [
  statusesGate,
  reviewedGate,
  triggerGate,
  branchesGate,
  confirmGate,
  guardGate,
  holdGate,
  newerGate,
  freezeGate,
];
