import type {
  CheckRunEntry,
  NewAttachment,
  NewDeployment,
  NoticeDelivery,
  ReleaseEntry,
  StateRules,
} from "../../src/ledger/types.ts";

/** A small transition table of the tests' own: the ledger takes whichever it is given. */
export const states: StateRules = {
  canTransition: (from, to) => (MOVES[from] ?? []).includes(to),
  isFinal: (state) => (MOVES[state] ?? []).length === 0,
};

const MOVES: Readonly<Record<string, readonly string[]>> = {
  queued: ["running", "cancelled"],
  running: ["paused", "succeeded", "failed"],
  paused: ["running", "failed"],
};

/** The commit of every sample that names no other one. */
export const COMMIT = "c0ffee".padEnd(40, "0");

export function release(id: string, change: Partial<ReleaseEntry> = {}): ReleaseEntry {
  const payload = { images: { web: `sha256:${id}` }, note: "quote ' and \" and \n and ☃" };
  return { id, project: "shop", commit: `c0ffee${id}`, createdAt: 1000, payload, ...change };
}

export function deployment(id: string, change: Partial<NewDeployment> = {}): NewDeployment {
  return {
    id,
    project: "shop",
    environment: "staging",
    kind: "deploy",
    release: "r1",
    fromRelease: null,
    state: "queued",
    who: "ada",
    why: null,
    origin: "ada@laptop:~/shop",
    commit: COMMIT,
    ref: "main",
    createdAt: 1000,
    ...change,
  };
}

export function checkRun(id: string, change: Partial<CheckRunEntry> = {}): CheckRunEntry {
  const job = { job: "test (DB=17)", check: "test", required: true, durationMs: 1200, summary: { tests: 3 } };
  return {
    id,
    project: "shop",
    commit: COMMIT,
    source: "commit",
    definitions: "d1",
    who: "ada",
    origin: "laptop (process 12)",
    startedAt: 1000,
    endedAt: 2000,
    result: "failed",
    jobs: [
      { ...job, result: "failed", cached: false, reason: "it ended with exit code 1" },
      { ...job, job: "lint", check: "lint", result: "passed", cached: true, reason: null, summary: null },
    ],
    ...change,
  };
}

export function attachment(change: Partial<NewAttachment>): NewAttachment {
  const bytes = Buffer.from("{}");
  return { kind: "scan", image: "web", subject: "sha256:a", mediaType: "application/json", at: 1, bytes, ...change };
}

export function notice(id: string, change: Partial<NoticeDelivery> = {}): NoticeDelivery {
  return {
    id,
    project: "shop",
    environment: "staging",
    deployment: "d1",
    event: "succeeded",
    notifier: "slack",
    at: 1000,
    durationMs: 120,
    status: "delivered",
    tries: 1,
    detail: "200",
    payload: null,
    ...change,
  };
}
