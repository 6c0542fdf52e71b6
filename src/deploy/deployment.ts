import type { EnvironmentState } from "../environments/record/types.ts";
import { ShiplockError } from "../errors.ts";
import type { ReleaseDocument } from "../release/types.ts";
import { createMasker, type Masker } from "../secrets/mask.ts";
import { type HeldLease, underLease } from "./lease.ts";
import { lookAndJudge } from "./asking.ts";
import { attachHooks } from "./hooks/attach.ts";
import { hookSecretsOf, planDeployment } from "./planning.ts";
import { readUnfinished, type Unfinished } from "./read-record.ts";
import { conclude, recordBeginning, tellingEnd } from "./write-record.ts";
import type { DeploymentOutcome, DeploymentPorts, DeploymentRequest, FinishRequest } from "./request.ts";
import { type TurnTaken, waitForTurn } from "./turns.ts";
import { stayingSeen } from "./waiter.ts";
import { type RunOptions, type RunResult, runPlan, stepsThatBegan, undoPlan } from "./run.ts";
import type { Plan } from "./types.ts";

/**
 * Carries a request through: asks the gates, waits for them and for its turn, takes the lease, asks the gates once more, makes the plan, records it, runs it, and says
 * how it ended. Plan and release are in the environment record before the first effect.
 */
export async function runDeployment(request: DeploymentRequest, ports: DeploymentPorts): Promise<DeploymentOutcome> {
  return waitForTurn(request, ports, {
    begin: (lease, heard, mayBegin) => runUnderLease(request, heard, lease, mayBegin),
    carryThrough: (other) => runDeployment(other, ports),
  });
}

/** Carries a request through that stands in the queue, while it is seen that somebody does. */
export async function runQueued(request: DeploymentRequest, ports: DeploymentPorts): Promise<DeploymentOutcome> {
  const ids = [request.deployment];
  return stayingSeen(ports, ids, () => runDeployment({ ...request, queued: true }, ports)).finally(
    // It is seen to be gone without this too, only later.
    () => ports.session.record.left(ids).catch(() => undefined),
  );
}

/** Nothing is begun where the gates have another answer by now, or another request comes first. */
async function runUnderLease(
  request: DeploymentRequest,
  ports: DeploymentPorts,
  lease: HeldLease,
  mayBegin: (state: EnvironmentState) => boolean,
): Promise<TurnTaken> {
  const look = await lookAndJudge(request, ports, "acting");
  ports.tell({ kind: "judged", deployment: request.deployment, moment: "acting", judgement: look.judgement });
  if (look.judgement.answer !== "pass" || !mayBegin(look.state)) return { kind: "kept-back", look };
  const prepared = await planDeployment(request, ports, look);
  const { plan, document, previous, secrets, hookSecrets } = prepared;
  ports.tell({ kind: "planned", purpose: "run", plan, document });
  const mask = await maskOf(request, document, previous);
  return tellingEnd(plan, ports, mask, async (mayBeRecorded) => {
    const { fence } = lease;
    const worker = await ports.session.worker({ plan, fence, document, previous, secrets, mask, abort: false });
    const keptBack = await recordBeginning(prepared, request, { fence, mayBegin, mayBeRecorded }, ports);
    if (keptBack !== null) return { kind: "kept-back", look: keptBack };
    ports.tell({ kind: "state", deployment: plan.deployment, state: "running", outcome: null });
    const deployment = { plan, document, secrets: hookSecrets, journal: [], lost: lease.lost, mask };
    const hooked = attachHooks(worker, deployment, request, ports);
    const options = { ...runOptions(plan, lease, request, ports), worker: hooked.worker, mask };
    const result = await runPlan(options);
    const outcome = await conclude(plan, result, ports, options);
    return { kind: "begun", outcome: await hooked.ended({ ...outcome, judgement: look.judgement }) };
  });
}

/** Ends a deployment that was interrupted by going on with it: the same plan, from its beginning, every step looking first. */
export async function resumeDeployment(
  request: FinishRequest,
  ports: DeploymentPorts,
): Promise<DeploymentOutcome | null> {
  return takeUp("resume", request, ports, (options, begun, { committed }) => runPlan({ ...options, begun, committed }));
}

/** Ends a deployment that was interrupted by undoing what it did. After its commit point there is no way back but a rollback. */
export async function abortDeployment(
  request: FinishRequest,
  ports: DeploymentPorts,
): Promise<DeploymentOutcome | null> {
  return takeUp("abort", request, ports, async (options, begun) => {
    const failures = await undoPlan(options, begun);
    if (failures.length === 0) return { kind: "undone", cause: "interrupted" };
    return { kind: "stuck", cause: "interrupted", undo: failures, committed: false };
  });
}

/** Takes up the deployment that was never ended, and ends it by `work`; null if there is none. */
async function takeUp(
  purpose: "resume" | "abort",
  request: FinishRequest,
  ports: DeploymentPorts,
  work: (options: RunOptions, begun: ReadonlySet<string>, unfinished: Unfinished) => Promise<RunResult>,
): Promise<DeploymentOutcome | null> {
  return underLease(request, ports, async (lease) => {
    const unfinished = await readUnfinished(ports.session);
    if (unfinished === null) return null;
    const { plan, document, previous } = unfinished;
    const abort = purpose === "abort";
    if (abort && unfinished.committed) throw committedAlready(plan);
    const secrets = abort ? {} : await request.secrets(document);
    const hookSecrets = abort ? {} : await hookSecretsOf(plan, request);
    ports.tell({ kind: "planned", purpose, plan, document });
    const action = abort ? "aborted" : "resumed";
    ports.session.audit.remark({ action, subject: plan.deployment, details: { release: plan.to } });
    const mask = await maskOf(request, document, previous);
    return tellingEnd(plan, ports, mask, async (mayBeRecorded) => {
      mayBeRecorded(true);
      const { fence } = lease;
      const worker = await ports.session.worker({ plan, fence, document, previous, secrets, mask, abort });
      const journal = await ports.session.record.journal(plan.deployment);
      const deployment = { plan, document, secrets: hookSecrets, journal, lost: lease.lost, mask };
      const hooked = attachHooks(worker, deployment, request, ports);
      const options = { ...runOptions(plan, lease, request, ports), worker: hooked.worker, mask };
      const result = await work(options, stepsThatBegan(journal), unfinished);
      // Going back has no time limit of its own, so what ended it can only be its user.
      const ending = abort ? { ...options, signal: ports.signal } : options;
      return hooked.ended(await conclude(plan, result, ports, ending));
    });
  });
}

/** What takes out of text the values that nobody may read in a record: those of the new release, and of the one that it replaces. */
export async function maskOf(
  request: Pick<DeploymentRequest, "hidden">,
  document: ReleaseDocument,
  previous: ReleaseDocument | null,
): Promise<Masker> {
  return createMasker(await request.hidden(previous === null ? [document] : [document, previous]));
}

function runOptions(
  plan: Plan,
  { fence, lost }: HeldLease,
  request: Pick<DeploymentRequest, "strategy" | "timeoutMs">,
  ports: DeploymentPorts,
): Omit<RunOptions, "worker" | "mask"> {
  return {
    plan,
    fence,
    lost,
    parallel: request.strategy.parallel,
    append: (entries) => ports.session.record.append(plan.deployment, entries),
    signal: AbortSignal.any([ports.signal, AbortSignal.timeout(request.timeoutMs)]),
    now: () => ports.clock.now(),
    onEvent: (event) => ports.tell({ kind: "step", event }),
  };
}

function committedAlready(plan: Plan): ShiplockError {
  return new ShiplockError({
    code: "abort/committed",
    blame: "gate",
    message: `${plan.to} is recorded as live: there is nothing to abort any more`,
    remedy: `run \`shiplock resume ${plan.environment}\` to finish, then \`shiplock rollback ${plan.environment}\` to go back`,
  });
}
