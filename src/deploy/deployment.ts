import type { Clock } from "../clock.ts";
import { emptyState, withEnded, withOperation } from "../environments/record/changes.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import type { LeaseOwner } from "../hosts/types.ts";
import type { ReleaseDocument } from "../release/types.ts";
import { createMasker } from "../secrets/mask.ts";
import { strategyServices } from "./strategies/services.ts";
import type { Survey, TargetSession } from "../targets/types.ts";
import { describeResult, type End, maskedEnd } from "./outcome.ts";
import { assemblePlan } from "./plan.ts";
import { type RunResult, runPlan, type StepEvent, stepsThatBegan, undoPlan } from "./run.ts";
import type { DeploymentState } from "./states.ts";
import type { StrategyOptions } from "./strategies/types.ts";
import type { DeploymentKind, Origin, Plan } from "./types.ts";

export type DeploymentRequest = {
  deployment: string;
  kind: DeploymentKind;
  project: string;
  environment: string;
  origin: Origin;
  strategy: StrategyOptions;
  bakeMs: number;
  /** For everything after the lease is held, in milliseconds. */
  timeoutMs: number;
  leaseTtlMs: number;
  /** Wait for another deployment to end instead of giving up. */
  wait: boolean;
  /**
   * What shall be live, once the lease is held and the environment's state is known: a rollback chooses here.
   * @throws ShiplockError to refuse before anything is touched
   */
  choose: (
    state: EnvironmentState,
    previous: ReleaseDocument | null,
  ) => Promise<{ document: ReleaseDocument; notes: readonly string[] }>;
  /** Values of the secrets a document names; throws when one is missing. */
  secrets: (document: ReleaseDocument) => Promise<Readonly<Record<string, string>>>;
  /**
   * Values that may not be written down as text: those of the documents' secrets as far as they are known here, and the registry's password. Unlike `secrets` it
   * demands nothing, since `abort` needs no value.
   */
  hidden: (documents: readonly ReleaseDocument[]) => readonly string[];
};

export type DeploymentEvent =
  | { kind: "lease-held"; owner: LeaseOwner; host: string; heartbeatAgeMs: number }
  | { kind: "lease-taken"; fence: number; tookOver: LeaseOwner | null }
  | { kind: "planned"; purpose: "run" | "resume" | "abort"; plan: Plan; document: ReleaseDocument }
  | { kind: "step"; event: StepEvent }
  | { kind: "state"; deployment: string; state: DeploymentState; outcome: string | null };

export type DeploymentPorts = {
  session: TargetSession;
  clock: Clock;
  /** Aborted when the user interrupts. */
  signal: AbortSignal;
  tell: (event: DeploymentEvent) => void;
};

export type DeploymentOutcome = {
  deployment: string;
  state: DeploymentState;
  release: string;
  from: string | null;
  outcome: string;
  /** Why it did not succeed. */
  error: ShiplockError | null;
  plan: Plan;
};

/** How often a lease that another holds is asked for again. */
const leaseRetryMs = 500;

/** Makes the plan of a deployment from what is there now. Changes nothing; `plan` prints what `deploy` would run. */
export async function planDeployment(request: DeploymentRequest, ports: DeploymentPorts): Promise<PreparedDeployment> {
  const { session, clock } = ports;
  const read = await session.record.read();
  const state = read?.state ?? emptyState(request.project, request.environment);
  refuseUnfinished(state);
  const previous = await documentOf(session, state.live?.document ?? null);
  const { document, notes } = await request.choose(state, previous);
  const secrets = await request.secrets(document);
  const survey = await session.survey({
    document,
    previous,
    state: read?.state ?? null,
    strategy: request.strategy.kind,
    secrets,
  });
  const plan = assemblePlan(planFacts(request, state, document, survey, [...notes, ...survey.notes], clock.now()));
  return { plan, document, previous, secrets, state, revision: read?.revision ?? 0 };
}

export type PreparedDeployment = {
  plan: Plan;
  document: ReleaseDocument;
  previous: ReleaseDocument | null;
  secrets: Readonly<Record<string, string>>;
  state: EnvironmentState;
  revision: number;
};

/** Takes the lease, makes the plan, records it, runs it, and says how it ended. It is in the environment record before the first effect. */
export async function runDeployment(request: DeploymentRequest, ports: DeploymentPorts): Promise<DeploymentOutcome> {
  return underLease(request, ports, async (fence, lost) => {
    const prepared = await planDeployment(request, ports);
    ports.tell({ kind: "planned", purpose: "run", plan: prepared.plan, document: prepared.document });
    const { plan, document, previous, secrets } = prepared;
    const mask = maskOf(request, document, previous);
    return tellingEnd(plan, ports, mask, async (mayBeRecorded) => {
      const worker = await ports.session.worker({ plan, fence, document, previous, secrets, mask, abort: false });
      await recordBeginning(prepared, fence, ports, mayBeRecorded);
      ports.tell({ kind: "state", deployment: plan.deployment, state: "running", outcome: null });
      const options = { ...runOptions(plan, worker, fence, request, ports, lost), mask };
      const result = await runPlan(options);
      return conclude(plan, result, ports, lost, options);
    });
  });
}

export type FinishRequest = Pick<
  DeploymentRequest,
  "environment" | "leaseTtlMs" | "wait" | "timeoutMs" | "origin" | "secrets" | "hidden" | "strategy" | "deployment"
>;

/** Ends a deployment that was interrupted by going on with it: the same plan, from its beginning, every step looking first. */
export async function resumeDeployment(
  request: FinishRequest,
  ports: DeploymentPorts,
): Promise<DeploymentOutcome | null> {
  return underLease(request, ports, async (fence, lost) => {
    const unfinished = await readUnfinished(ports.session);
    if (unfinished === null) return null;
    const { plan, document, previous, committed } = unfinished;
    const secrets = await request.secrets(document);
    ports.tell({ kind: "planned", purpose: "resume", plan, document });
    const mask = maskOf(request, document, previous);
    return tellingEnd(plan, ports, mask, async (mayBeRecorded) => {
      mayBeRecorded(true);
      const worker = await ports.session.worker({ plan, fence, document, previous, secrets, mask, abort: false });
      const begun = stepsThatBegan(await ports.session.record.journal(plan.deployment));
      const options = { ...runOptions(plan, worker, fence, request, ports, lost), begun, committed, mask };
      const result = await runPlan(options);
      return conclude(plan, result, ports, lost, options);
    });
  });
}

/** Ends a deployment that was interrupted by undoing what it did. After its commit point there is no way back but a rollback. */
export async function abortDeployment(
  request: FinishRequest,
  ports: DeploymentPorts,
): Promise<DeploymentOutcome | null> {
  return underLease(request, ports, async (fence, lost) => {
    const unfinished = await readUnfinished(ports.session);
    if (unfinished === null) return null;
    const { plan, document, previous, committed } = unfinished;
    if (committed) throw committedAlready(plan);
    ports.tell({ kind: "planned", purpose: "abort", plan, document });
    const mask = maskOf(request, document, previous);
    return tellingEnd(plan, ports, mask, async (mayBeRecorded) => {
      mayBeRecorded(true);
      const worker = await ports.session.worker({ plan, fence, document, previous, secrets: {}, mask, abort: true });
      const began = stepsThatBegan(await ports.session.record.journal(plan.deployment));
      const failures = await undoPlan({ ...runOptions(plan, worker, fence, request, ports, lost), mask }, began);
      const result: RunResult =
        failures.length === 0
          ? { kind: "undone", cause: "interrupted" }
          : { kind: "stuck", cause: "interrupted", undo: failures, committed: false };
      return conclude(plan, result, ports, lost, { signal: ports.signal, mask });
    });
  });
}

/** What takes out of text the values that nobody may read in a record: those of the new release, and of the one that it replaces. */
export function maskOf(
  request: Pick<DeploymentRequest, "hidden">,
  document: ReleaseDocument,
  previous: ReleaseDocument | null,
): (text: string) => string {
  return createMasker(request.hidden(previous === null ? [document] : [document, previous]));
}

/** The release document of this name in the environment record; null if it is not there or none is named. */
export async function documentOf(session: TargetSession, name: string | null): Promise<ReleaseDocument | null> {
  if (name === null) return null;
  const text = await session.record.readRelease(name);
  return text === null ? null : (JSON.parse(text) as ReleaseDocument);
}

type Unfinished = {
  plan: Plan;
  document: ReleaseDocument;
  previous: ReleaseDocument | null;
  committed: boolean;
};

async function readUnfinished(session: TargetSession): Promise<Unfinished | null> {
  const read = await session.record.read();
  const operation = read?.state.operation ?? null;
  if (read === null || operation === null) return null;
  const plan = await session.record.readPlan(operation.deployment);
  const document = await documentOf(session, operation.document);
  if (plan === null || document === null) throw recordIncomplete(operation.deployment);
  return {
    plan,
    document,
    committed: operation.committed,
    previous: await documentOf(session, operation.previousDocument),
  };
}

/** Does work while the lease is held, and gives it back. `lost` is aborted when it is gone. */
export async function underLease<T>(
  request: Pick<DeploymentRequest, "deployment" | "origin" | "leaseTtlMs" | "wait" | "environment">,
  ports: DeploymentPorts,
  work: (fence: number, lost: AbortSignal) => Promise<T>,
): Promise<T> {
  const { session } = ports;
  const { fence, tookOver, release } = await takeLease(request, ports);
  ports.tell({ kind: "lease-taken", fence, tookOver });
  const lost = new AbortController();
  let working = true;
  void session.lost.then((why) => {
    if (working) lost.abort(leaseLost(request.environment, why));
  });
  try {
    return await work(fence, lost.signal);
  } finally {
    working = false;
    // What was lost cannot be given back; its lock ends with its connection.
    if (!lost.signal.aborted) await release();
  }
}

async function takeLease(
  request: Pick<DeploymentRequest, "deployment" | "origin" | "leaseTtlMs" | "wait" | "environment">,
  ports: DeploymentPorts,
) {
  const { origin } = request;
  const owner: LeaseOwner = {
    deployment: request.deployment,
    who: origin.who,
    from: origin.from,
    since: ports.clock.now().toISOString(),
    command: origin.command,
  };
  let told = false;
  for (;;) {
    const answer = await ports.session.acquire(owner, request.leaseTtlMs);
    if (answer.kind === "granted") return answer;
    if (!told)
      ports.tell({ kind: "lease-held", owner: answer.owner, host: answer.host, heartbeatAgeMs: answer.heartbeatAgeMs });
    told = true;
    if (!request.wait) throw leaseHeld(request.environment, answer.owner, answer.heartbeatAgeMs);
    await ports.clock.wait(leaseRetryMs, ports.signal);
  }
}

/**
 * Works on a deployment that was told as planned, and tells how it ended also where an error ends it: whoever keeps the history must not believe that it still
 * runs. `mayBeRecorded` says whether the environment record may hold it by now, so that only `resume` or `abort` can end it.
 */
async function tellingEnd<T>(
  plan: Plan,
  ports: DeploymentPorts,
  mask: (text: string) => string,
  work: (mayBeRecorded: (recorded: boolean) => void) => Promise<T>,
): Promise<T> {
  let recorded = false;
  try {
    return await work((maybe) => {
      recorded = maybe;
    });
  } catch (error) {
    const end = recorded
      ? ({ state: "interrupted", outcome: mask(messageOf(error)) } as const)
      : ({ state: "rolled-back", outcome: `${mask(messageOf(error))}; nothing was begun` } as const);
    ports.tell({ kind: "state", deployment: plan.deployment, ...end });
    throw error;
  }
}

async function recordBeginning(
  prepared: PreparedDeployment,
  fence: number,
  ports: DeploymentPorts,
  mayBeRecorded: (recorded: boolean) => void,
): Promise<void> {
  const { plan, document, state, revision } = prepared;
  const { record } = ports.session;
  await Promise.all([record.writeRelease(document.name, JSON.stringify(document)), record.writeOperation(plan)]);
  const next = withOperation(state, plan, document, fence, ports.clock.now().toISOString());
  mayBeRecorded(true);
  if (await record.swap(revision, next)) return;
  mayBeRecorded(false);
  throw new ShiplockError({
    code: "record/changed",
    message: "the environment record changed while the deployment was being planned",
    remedy: "run the command again",
  });
}

function runOptions(
  plan: Plan,
  worker: Parameters<typeof runPlan>[0]["worker"],
  fence: number,
  request: Pick<DeploymentRequest, "strategy" | "timeoutMs">,
  ports: DeploymentPorts,
  lost: AbortSignal,
) {
  return {
    plan,
    worker,
    fence,
    parallel: request.strategy.parallel,
    append: (entries: Parameters<TargetSession["record"]["append"]>[1]) =>
      ports.session.record.append(plan.deployment, entries),
    signal: AbortSignal.any([ports.signal, AbortSignal.timeout(request.timeoutMs)]),
    lost,
    now: () => ports.clock.now(),
    onEvent: (event: StepEvent) => ports.tell({ kind: "step", event }),
  };
}

async function conclude(
  plan: Plan,
  result: RunResult,
  ports: DeploymentPorts,
  lost: AbortSignal,
  { signal, mask }: { signal: AbortSignal; mask: (text: string) => string },
): Promise<DeploymentOutcome> {
  const described = maskedEnd(describeResult(plan, result, signal, lost), mask);
  // `succeeded` is written by the plan's own last step, and what was lost may not be written by us.
  const written = result.kind === "undone" || result.kind === "stuck";
  const { state, outcome, error } = written ? await recordOrSay(plan, described, ports) : described;
  ports.tell({ kind: "state", deployment: plan.deployment, state, outcome });
  return { deployment: plan.deployment, state, release: plan.to, from: plan.from, outcome, error, plan };
}

/** An end that cannot be written (the disk is full, the host is gone) leaves the operation open in the record: then that is what has to be told. */
async function recordOrSay(plan: Plan, end: End, ports: DeploymentPorts): Promise<End> {
  try {
    await recordEnd(plan, end.state, end.outcome, ports);
    return end;
  } catch (cause) {
    const message = `${end.error?.message ?? end.outcome}; and that could not be recorded: ${messageOf(cause)}`;
    const error = new ShiplockError({
      code: "deploy/not-recorded",
      blame: "person",
      message,
      remedy: `mend what is said here, then run \`shiplock abort ${plan.environment}\` or \`shiplock resume ${plan.environment}\``,
      details: end.error?.details ?? [],
      cause,
    });
    return { state: "interrupted", outcome: message, error };
  }
}

async function recordEnd(plan: Plan, state: DeploymentState, outcome: string, ports: DeploymentPorts): Promise<void> {
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const read = await ports.session.record.read();
    if (read === null) return;
    if (
      await ports.session.record.swap(
        read.revision,
        withEnded(read.state, plan.deployment, state, outcome, ports.clock.now().toISOString()),
      )
    )
      return;
  }
  throw new ShiplockError({
    code: "record/contended",
    message: "the end of the deployment could not be written: the record changed again and again",
    remedy: "run `shiplock status`",
  });
}

function planFacts(
  request: DeploymentRequest,
  state: EnvironmentState,
  document: ReleaseDocument,
  survey: Survey,
  notes: readonly string[],
  now: Date,
) {
  const { snapshot, release } = document;
  return {
    deployment: request.deployment,
    kind: request.kind,
    project: request.project,
    environment: request.environment,
    origin: request.origin,
    createdAt: now.toISOString(),
    homeHost: survey.home,
    hosts: survey.hosts,
    release: {
      id: release.id,
      images: Object.keys(release.images),
      services: strategyServices(snapshot),
      // Going back runs no migration: the schema of the newer release fits the older one, or the gate refuses.
      migration:
        request.kind === "rollback" || snapshot.migration === null
          ? null
          : {
              service: snapshot.migration.service,
              command: snapshot.migration.command,
              timeoutMs: snapshot.migration.timeoutMs,
            },
    },
    live: state.live === null ? null : { release: state.live.release, place: state.live.place },
    place: survey.place,
    warm: survey.warm,
    strategy: request.strategy,
    bakeMs: request.bakeMs,
    notes,
  };
}

function refuseUnfinished(state: EnvironmentState): void {
  const { operation } = state;
  if (operation === null) return;
  throw new ShiplockError({
    code: "deploy/unfinished",
    blame: "person",
    message: `deployment ${operation.deployment} of ${operation.release} to ${state.environment}, begun ${operation.startedAt}, was never ended`,
    remedy: operation.committed
      ? `run \`shiplock resume ${state.environment}\`, which finishes it`
      : `run \`shiplock resume ${state.environment}\` to finish it, or \`shiplock abort ${state.environment}\` to go back`,
  });
}

function leaseHeld(environment: string, owner: LeaseOwner, heartbeatAgeMs: number): ShiplockError {
  return new ShiplockError({
    code: "lease/held",
    blame: "gate",
    message: `${environment} is being changed by ${owner.who} from ${owner.from} since ${owner.since} (\`${owner.command}\`, last sign of life ${Math.round(heartbeatAgeMs / 1000)} s ago)`,
    remedy: "wait until it has ended, or leave out --no-wait",
  });
}

function leaseLost(environment: string, why: string): ShiplockError {
  return new ShiplockError({
    code: "lease/lost",
    blame: "person",
    message: `the right to change ${environment} is gone: ${why}`,
    remedy: `run \`shiplock status ${environment}\`; if nobody else goes on with it, \`shiplock resume ${environment}\` or \`shiplock abort ${environment}\``,
  });
}

function committedAlready(plan: Plan): ShiplockError {
  return new ShiplockError({
    code: "abort/committed",
    blame: "gate",
    message: `${plan.to} is recorded as live: there is nothing to abort any more`,
    remedy: `run \`shiplock resume ${plan.environment}\` to finish, then \`shiplock rollback ${plan.environment}\` to go back`,
  });
}

function recordIncomplete(deployment: string): ShiplockError {
  return new ShiplockError({
    code: "record/incomplete",
    blame: "person",
    message: `the environment record names deployment ${deployment}, but its plan or release is not there`,
    remedy: "look at the folder on the home host",
  });
}
