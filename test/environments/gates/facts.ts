import { resolveGates } from "../../../src/config/resolve-gates.ts";
import type { GatePolicy } from "../../../src/config/types-gates.ts";
import type { GateFacts } from "../../../src/environments/gates/types.ts";
import type { Identity } from "../../../src/environments/identity.ts";
import type { Approval, NewTicket, Trigger } from "../../../src/environments/queue/types.ts";
import { emptyState } from "../../../src/environments/record/changes.ts";
import type { EnvironmentState, LiveRelease } from "../../../src/environments/record/types.ts";

export const noon = new Date("2026-11-20T12:00:00Z");
export const commit = "c0ffee1234567890c0ffee1234567890c0ffee12";
export const subject = "sha256:asked";

export function person(name: string, ...aliases: string[]): Identity {
  return { name, aliases, source: "local" };
}

/** The gates' configuration as it is written, with everything else as its defaults have it. */
export function policyOf(written: Omit<Parameters<typeof resolveGates>[0], "target" | "strategy"> = {}): GatePolicy {
  return resolveGates(written as Parameters<typeof resolveGates>[0], {
    teams: { ops: ["grace", "linus@example.com"] },
  });
}

/** What somebody asks for: by hand, the branch `main`, by ada, unless given otherwise. */
export function request(changes: Partial<NewTicket> = {}): NewTicket {
  return {
    ...{ deployment: "d-1", kind: "deploy", trigger: "manual", state: "queued" },
    ...{ release: "r-2", document: "r-2.1", subject, commit, commitTime: "2026-11-20T11:00:00Z" },
    ref: { kind: "branch", name: "main" },
    origin: { who: "ada", from: "laptop", command: "shiplock deploy staging", reason: null },
    requesters: [person("ada", "ada@example.com")],
    createdAt: noon.toISOString(),
    expiresAt: "2026-11-27T12:00:00Z",
    options: { confirmed: null, emergency: null, overrideFreeze: null, takeOver: false, skip: [] },
    ...{ waiting: [], approvals: [] },
    ...changes,
  };
}

export function approval(by: Identity, changes: Partial<Approval> = {}): Approval {
  return { by, at: "2026-11-20T11:30:00Z", answer: "approve", comment: null, subject, ...changes };
}

export function facts(changes: Partial<GateFacts> = {}): GateFacts {
  return {
    ...{ now: noon, project: "shop", environment: "staging", kind: "deploy", policy: policyOf(), request: request() },
    ...{ actor: person("ada"), state: emptyState("shop", "staging"), relation: "unknown", earlier: {} },
    code: { statuses: null, workflows: null, origins: null },
    ...{ drift: null, dirty: false, migrates: { live: false, next: false }, given: [] },
    ...changes,
  };
}

/** A release that is live, as ada deployed it from `main` by hand unless given otherwise. */
export function liveRelease(
  changes: Partial<LiveRelease> & { trigger?: Trigger; branch?: string | null } = {},
): LiveRelease {
  const { trigger = "manual", branch = "main", ...others } = changes;
  return {
    ...{ release: "r-1", document: "r-1.1", commit: "beef123".padEnd(40, "0"), ref: branch, tags: {} },
    ...{ deployment: "d-0", at: "2026-11-20T10:00:00Z", place: "a", by: "ada", replicas: {}, strategy: "rolling" },
    asked: {
      trigger,
      ref: branch === null ? null : { kind: "branch", name: branch },
      commitTime: "2026-11-20T09:00:00Z",
      by: person("ada"),
    },
    ...others,
  };
}

export function stateWith(changes: Partial<EnvironmentState>): EnvironmentState {
  const { live = null } = changes;
  return { ...emptyState("shop", "staging"), healthy: live === null ? [] : [live], ...changes };
}
