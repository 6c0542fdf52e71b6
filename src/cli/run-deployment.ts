import { setMaxListeners } from "node:events";
import { systemClock } from "../clock.ts";
import type { DeploymentEvent, DeploymentOutcome, DeploymentPorts } from "../deploy/request.ts";
import { headText } from "../environments/audit/judge-log.ts";
import type { AuditHead } from "../environments/audit/types.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import type { GateAnswer, Ledger } from "../ledger/types.ts";
import type { TargetSession } from "../targets/types.ts";
import { rememberHead } from "./audit-memory.ts";
import { type CommandContext, openHistory } from "./context.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { endLeftOpen } from "./left-open.ts";
import type { DeploymentNotices } from "./notices.ts";
import { errorDocument } from "./output.ts";
import { showProgress } from "./progress.ts";
import { recordHistory } from "./record-history.ts";

/** What followed a deployment that had succeeded: what it adds to the result, and the exit code of both together. */
export type Aftermath = {
  readonly exitCode: number;
  readonly result: Readonly<Record<string, unknown>>;
  /** Where the audit log ended by then, if something else than the deployment's own session wrote it. */
  readonly audit?: AuditHead | null;
};

/**
 * Runs what changes an environment: shows it, keeps its history, and turns its outcome into an exit code.
 * @param work the deployment itself; null when there was nothing to do
 * @param notices who is told of it
 * @param gates what was asked before, and the answers
 * @param follow what is done once its end was told; null where nothing is
 */
export async function carryOut(
  context: CommandContext,
  session: TargetSession,
  work: (ports: DeploymentPorts) => Promise<DeploymentOutcome | null>,
  nothing: string,
  notices: DeploymentNotices,
  gates: readonly GateAnswer[] = [],
  follow: (outcome: DeploymentOutcome, ports: DeploymentPorts) => Promise<Aftermath | null> = async () => null,
): Promise<number> {
  const { output } = context;
  setMaxListeners(0, context.signal);
  const ledger = await openHistory(context);
  try {
    const history = recordHistory(ledger, output, output.mask, gates);
    const show = showProgress(output);
    const tell = (event: DeploymentEvent): void => {
      show(event);
      history.tell(event);
      notices.event(event);
    };
    const started = Date.now();
    const ports = { session, clock: systemClock, signal: context.signal, tell };
    const outcome = await work(ports)
      .finally(() => history.flush())
      .catch(async (error: unknown) => {
        // What stands in the way is mostly what somebody left who is gone.
        if (error instanceof ShiplockError && error.code === "deploy/unfinished")
          await endLeftOpen(context, session, ledger);
        throw error;
      });
    if (outcome === null) {
      await endLeftOpen(context, session, ledger);
      output.line(nothing);
      output.result({ state: "nothing-to-do" });
      return exitCodes.done;
    }
    const milliseconds = Date.now() - started;
    const exitCode = tellOutcome(context, outcome, milliseconds);
    await keepHead(context, session.audit.head(), ledger, outcome.deployment);
    await notices.reviews(session.record);
    const aftermath = await follow(outcome, ports).finally(() => history.flush());
    const head = aftermath?.audit ?? session.audit.head();
    if (aftermath !== null) await keepHead(context, head, ledger, outcome.deployment);
    await endLeftOpen(context, session, ledger);
    output.result({ ...resultOf(outcome, milliseconds), audit: head, ...aftermath?.result });
    return aftermath?.exitCode ?? exitCode;
  } finally {
    await ledger.close();
  }
}

/** Says where the audit log ends by now, and keeps that on this machine. As with the rest of the history: one that cannot be written stops nothing. */
async function keepHead(
  { output }: CommandContext,
  head: AuditHead | null,
  ledger: Ledger,
  deployment: string,
): Promise<void> {
  if (head === null || head.sequence === 0) return;
  output.line(output.paint.dim(`audit log: ${headText(head)}`));
  try {
    await rememberHead(ledger, deployment, head);
  } catch (error) {
    output.note(`warning: where the audit log ended could not be kept on this machine: ${messageOf(error)}`);
  }
}

/** An outcome for a machine. */
export function resultOf(outcome: DeploymentOutcome, milliseconds: number): Record<string, unknown> {
  const { deployment, state, release, from, error } = outcome;
  return {
    ...{ deployment, state, release, from, outcome: outcome.outcome },
    gates: outcome.judgement?.decisions ?? [],
    checklist: outcome.plan?.checklist ?? [],
    ...(error === null ? {} : { error: errorDocument(error) }),
    milliseconds,
  };
}

/** A state and its outcome, where the outcome does not begin with the state's own word: "cancelled by grace". */
function saidOnce(state: string, colour: (text: string) => string, outcome: string): string {
  return outcome.startsWith(`${state} by `)
    ? `${colour(state)}${outcome.slice(state.length)}`
    : `${colour(state)}: ${outcome}`;
}

/** Tells an outcome to a person, and what it means for the exit code. */
export function tellOutcome(context: CommandContext, outcome: DeploymentOutcome, milliseconds: number): number {
  const { output } = context;
  const { paint } = output;
  const { deployment, state, error } = outcome;
  if (error === null && state !== "succeeded") {
    output.line(`${saidOnce(state, paint.yellow, outcome.outcome)} (deployment ${deployment})`);
    if (state !== "waiting") return exitCodes.done;
    output.line(
      `nobody waits with it: \`shiplock resume ${outcome.environment} ${deployment}\` carries it out once it waits for nothing any more`,
    );
    return exitCodes.gate;
  }
  if (error === null) {
    output.line(
      `${paint.green("succeeded")}: ${outcome.outcome} in ${outcome.environment} (${(milliseconds / 1000).toFixed(1)} s, deployment ${deployment})`,
    );
    return exitCodes.done;
  }
  if (output.mode === "human") output.error(error);
  output.line(
    `${saidOnce(state, state === "rolled-back" ? paint.yellow : paint.red, outcome.outcome)} (deployment ${deployment})`,
  );
  if (context.signal.aborted && state === "rolled-back")
    return context.signal.reason === "SIGTERM" ? exitCodes.terminated : exitCodes.interrupted;
  return state === "rolled-back" ? exitCodes.failed : exitCodeOf(error.blame);
}
