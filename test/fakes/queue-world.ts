import { resumeDeployment, runDeployment, runQueued } from "../../src/deploy/deployment.ts";
import type {
  DeploymentEvent,
  DeploymentOutcome,
  DeploymentPorts,
  DeploymentRequest,
  HookSetup,
  Question,
} from "../../src/deploy/request.ts";
import type { StepWorker } from "../../src/deploy/run.ts";
import { changeRequests, changeState } from "../../src/environments/record/change-state.ts";
import { withCommitted, withEnded } from "../../src/environments/record/changes.ts";
import type { EnvironmentRecord, EnvironmentState } from "../../src/environments/record/types.ts";
import type { CommitRelation, Judgement } from "../../src/environments/gates/types.ts";
import type { Ticket, Trigger } from "../../src/environments/queue/types.ts";
import type { LeaseOwner } from "../../src/hosts/types.ts";
import { makeDocument } from "../../src/release/snapshot.ts";
import type { ReleaseDocument } from "../../src/release/types.ts";
import type { TargetSession, WorkerRequest } from "../../src/targets/types.ts";
import { createRecordStore, memoryRecord, type RecordStore } from "./memory-record.ts";
import { allAtOnce } from "./deployer.ts";
import { environment, project, shop } from "./shop.ts";
import type { Stage } from "./stage.ts";

/** Lets an effect happen, and its answer come back, when the stage lets them through. */
export type Call = <T>(effect: () => T) => Promise<Awaited<T>>;

/** What somebody asks for in these worlds. */
export type Wish = {
  deployment: string;
  who: string;
  trigger: Trigger;
  /** Which commit: later ones have greater numbers. */
  commit: number;
  branch: string;
  wait: boolean;
  /** Whether its hook after success fails, which then wants a rollback. */
  regretted?: true;
  /** A deployment unless given. */
  kind?: "rollback";
  /** Commits that it builds upon, whatever the clocks say. */
  follows?: readonly number[];
};

const regret: HookSetup = {
  declared: {
    ...{ before: [], beforeTraffic: [], afterTraffic: [], afterFailure: [] },
    after: [
      {
        ...{ name: "e2e", run: { kind: "arguments", arguments: ["e2e"] }, timeoutMs: 1_000, onFailure: "rollback" },
        ...{ environment: {}, secrets: [] },
      },
    ],
  },
  runner: { run: async () => ({ kind: "ended", exitCode: 1, because: null }) },
  secrets: async () => ({}),
};

export type Process = {
  readonly name: string;
  readonly events: DeploymentEvent[];
  /** How it ended: its outcome, or what it threw; null as long as it runs, and for ever where it was killed. */
  ended: DeploymentOutcome | Error | "nothing" | null;
  dead: boolean;
  /** As SIGKILL does: nothing of it happens any more, and its lease is free. */
  kill(): void;
  /** As Ctrl-C does. */
  interrupt(): void;
};

/** One environment with its record and its lease, and the processes that work on it; nothing of it is slower than it has to be. */
export type QueueWorld = {
  readonly stage: Stage;
  readonly store: RecordStore;
  readonly processes: Process[];
  /** Deployments that nobody but who asked for them can carry out. */
  readonly unable: Set<string>;
  /** Deployments whose secrets nobody has but who asked for them. */
  readonly poor: Set<string>;
  /** Deployments that do not get on. */
  readonly slow: Set<string>;
  state(): EnvironmentState | null;
  deploy(wish: Wish): Process;
  /** Carries a request out that stands in the queue. */
  take(ticket: Ticket, who: string): Process;
  resume(who: string): Process;
  /** Writes without the lease, as the commands of people do. */
  write(change: (state: EnvironmentState) => EnvironmentState | null): Process;
};

export type QueueWorldOptions = {
  stage: Stage;
  judge: (wish: Wish, question: Question) => Judgement;
  /** Sees every beginning: in which state, of what, and by which process. */
  onSwap?: (before: EnvironmentState | null, after: EnvironmentState, by: Process) => void;
  expiresMs?: number;
  /** The record as a process sees it whose every call goes through `call`; in memory unless given. */
  recordOf?: (call: Call) => EnvironmentRecord;
};

export function createQueueWorld({
  stage,
  judge,
  onSwap,
  expiresMs = 24 * 3_600_000,
  recordOf,
}: QueueWorldOptions): QueueWorld {
  const store = createRecordStore();
  const processes: Process[] = [];
  const wishes = new Map<string, Wish>();
  const unable = new Set<string>();
  const poor = new Set<string>();
  const slow = new Set<string>();
  const whose = { project, environment };
  let holder: { process: Process; owner: LeaseOwner } | null = null;
  let fence = 0;

  function start(name: string, work: (ports: DeploymentPorts) => Promise<DeploymentOutcome | null>): Process {
    const interrupted = new AbortController();
    const events: DeploymentEvent[] = [];
    const started: Process = {
      name,
      events,
      ended: null,
      dead: false,
      kill: () => {
        started.dead = true;
        if (holder?.process === started) holder = null;
      },
      interrupt: () => interrupted.abort("SIGINT"),
    };
    processes.push(started);
    async function call<T>(effect: () => T): Promise<Awaited<T>> {
      await stage.turn();
      if (started.dead) return never();
      const answer = effect();
      // It may fail before its answer is let through.
      Promise.resolve(answer).catch(() => undefined);
      await stage.turn();
      return started.dead ? never() : await answer;
    }
    const session = sessionOf(started, call);
    const clock = {
      ...stage.clock,
      wait: async (milliseconds: number, signal?: AbortSignal) => {
        await stage.clock.wait(milliseconds, signal);
        if (started.dead) await never();
      },
    };
    work({ session, clock, signal: interrupted.signal, tell: (event) => void events.push(event) }).then(
      (outcome) => {
        started.ended = outcome ?? "nothing";
      },
      (error: unknown) => {
        started.ended = error instanceof Error ? error : new Error(String(error));
      },
    );
    return started;
  }

  function sessionOf(process: Process, call: Call): TargetSession {
    const record =
      recordOf?.(call) ??
      memoryRecord(store, {
        call,
        now: stage.milliseconds,
        onSwap: (before, after) => onSwap?.(before, after, process),
      });
    const none = (): never => {
      throw new Error("nobody needs this here");
    };
    return {
      hosts: ["one"],
      home: "one",
      skipped: [],
      record,
      audit: { remark: () => undefined, head: () => null, read: none },
      acquire: (owner) =>
        call(() => {
          if (holder !== null) return { kind: "held", host: "one", owner: holder.owner, heartbeatAgeMs: 0 };
          const mine = { process, owner };
          holder = mine;
          fence += 1;
          const release = () =>
            call(() => {
              if (holder === mine) holder = null;
            });
          return { kind: "granted", fence, tookOver: null, release };
        }),
      leaseHolder: async () => null,
      look: async () => [],
      survey: () =>
        call(() => ({
          home: "one",
          hosts: [
            {
              name: "one",
              assignment: {},
              missingBacking: [],
              proxy: "ready",
              settleProxy: false,
              live: null,
              shortage: null,
            },
          ],
          place: "a",
          warm: false,
          notes: [],
        })),
      worker: async (request) => workerOf(request, record, call),
      missingImages: none,
      holdings: none,
      sweep: none,
      observe: none,
      diagnose: none,
      logs: none,
      lost: never(),
      close: async () => undefined,
    };
  }

  /** Of a plan's steps only those do something here that the record hears of. */
  function workerOf({ plan, document }: WorkerRequest, record: TargetSession["record"], call: Call): StepWorker {
    const at = (): string => new Date(stage.milliseconds()).toISOString();
    const { release } = document;
    return {
      perform: async (step) => {
        if (step.action.kind === "start") await call(() => undefined);
        while (step.action.kind === "verify" && slow.has(plan.deployment)) await stage.clock.wait(1_000);
        if (step.action.kind === "commit")
          await changeState(record, environment, (state) =>
            withCommitted(state, plan, {
              ...{ release: release.id, document: document.name, commit: release.commit, ref: release.ref, tags: {} },
              ...{ deployment: plan.deployment, at: at(), place: "a", by: plan.origin.who, replicas: {} },
              strategy: "rolling",
            }),
          );
        if (step.action.kind === "close")
          await changeState(record, environment, (state) =>
            state.operation === null
              ? null
              : withEnded(state, plan.deployment, "succeeded", `${release.id} is live`, at()),
          );
        return { acted: true, summary: "" };
      },
      undo: async () => ({ acted: true, summary: "" }),
    };
  }

  function requestOf(wish: Wish, taken = false): DeploymentRequest {
    const document = documentOf(wish);
    return {
      ...{ deployment: wish.deployment, kind: wish.kind ?? "deploy", ...whose, strategy: allAtOnce, bakeMs: 0 },
      origin: { who: wish.who, from: "laptop", command: "shiplock deploy", reason: null },
      ...{ timeoutMs: 600_000, leaseTtlMs: 15_000, wait: wish.wait, trigger: wish.trigger, expiresMs },
      choose: async () => ({ document, notes: [] }),
      asker: { name: wish.who, aliases: [], source: "local" },
      options: { confirmed: null, emergency: null, overrideFreeze: null, takeOver: false, skip: [] },
      judge: async (question) => judge(wish, question),
      relation: async ({ commit, other }) => relationOf(commit, other),
      takeUp: async (ticket) => {
        if (unable.has(ticket.deployment)) throw new Error(`${ticket.deployment} cannot be carried out here`);
        return { ...requestOf(wishOf(ticket), true), queued: true };
      },
      secrets: async () => {
        if (taken && poor.has(wish.deployment)) throw new Error(`the secrets of ${wish.deployment} are not here`);
        return {};
      },
      hidden: async () => [],
      ...(wish.regretted === undefined ? {} : { hooks: regret }),
    };
  }

  function relationOf(commit: string, other: string): CommitRelation {
    const known = [...wishes.values()].map((wish) => ({ wish, commit: documentOf(wish).release.commit }));
    const above = known.find((each) => each.commit === commit)?.wish.follows ?? [];
    return above.some((each) => known.some(({ wish, commit: hash }) => hash === other && wish.commit === each))
      ? "newer"
      : "unknown";
  }

  function wishOf(ticket: Ticket): Wish {
    const wish = wishes.get(ticket.deployment);
    if (wish === undefined) throw new Error(`nobody asked for ${ticket.deployment}`);
    return wish;
  }

  return {
    stage,
    store,
    processes,
    unable,
    poor,
    slow,
    state: () => store.current?.state ?? null,
    deploy: (wish) => {
      wishes.set(wish.deployment, wish);
      return start(wish.deployment, (ports) => runDeployment(requestOf(wish), ports));
    },
    take: (ticket, who) =>
      start(`${ticket.deployment} by ${who}`, (ports) =>
        runQueued({ ...requestOf(wishOf(ticket), true), waitForGates: false }, ports),
      ),
    resume: (who) =>
      start(`resume by ${who}`, (ports) => {
        const nothing: Wish = { ...{ deployment: "r", who, trigger: "manual", commit: 0 }, branch: "main", wait: true };
        return resumeDeployment(requestOf(nothing), ports);
      }),
    write: (change) =>
      start("write", async ({ session }) => {
        await changeRequests(session.record, whose, change);
        return null;
      }),
  };
}

function documentOf({ commit, branch }: Wish): ReleaseDocument {
  const { release, snapshot } = shop(`${branch}-${commit}`, { migration: false });
  return makeDocument(
    {
      ...release,
      ref: branch,
      commitTime: new Date(Date.parse("2026-11-01T00:00:00Z") + commit * 1_000).toISOString(),
    },
    { ...snapshot, services: [], files: [] },
  );
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
