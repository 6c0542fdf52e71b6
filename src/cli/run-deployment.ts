import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { systemClock } from "../clock.ts";
import type { Config, Environment } from "../config/types.ts";
import type { DeploymentEvent, DeploymentOutcome, DeploymentPorts, DeploymentRequest } from "../deploy/request.ts";
import type { StrategyOptions } from "../deploy/strategies/types.ts";
import type { DeploymentKind } from "../deploy/types.ts";
import type { GateAnswer } from "../ledger/types.ts";
import type { ReleaseDocument } from "../release/types.ts";
import { readSecrets } from "../secrets/environment.ts";
import type { TargetSession } from "../targets/types.ts";
import { ShiplockError } from "../errors.ts";
import { textFlag } from "./arguments.ts";
import type { Flags } from "./commands/table.ts";
import { type CommandContext, openHistory, originOf } from "./context.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { errorDocument } from "./output.ts";
import { showProgress } from "./progress.ts";
import { recordHistory } from "./record-history.ts";

/**
 * A request for an environment, with all that its configuration and the command's flags say.
 * @param choose what shall be live; not given by who ends or sets up what is there
 */
export function requestFor(
  context: CommandContext,
  config: Config,
  environment: Environment,
  kind: DeploymentKind,
  flags: Flags,
  choose: DeploymentRequest["choose"] = nothingIsChosen,
): DeploymentRequest {
  return {
    deployment: `d-${randomUUID().slice(0, 8)}`,
    kind,
    project: config.project,
    environment: environment.name,
    origin: originOf(context, textFlag(flags, "reason")),
    strategy: strategyOf(environment),
    bakeMs: environment.bakeMs,
    timeoutMs: environment.timeoutMs,
    leaseTtlMs: environment.lease.ttlMs,
    wait: flags["wait"] !== false,
    choose,
    secrets: async (document) => {
      hiddenOf(context, config, [document]);
      return readSecrets(document.snapshot.secrets.names, context.env, document.snapshot.environment);
    },
    hidden: (documents) => hiddenOf(context, config, documents),
  };
}

function nothingIsChosen(): Promise<never> {
  return Promise.reject(
    new ShiplockError({
      code: "deploy/no-choice",
      blame: "bug",
      message: "a command that chooses no release asked for one",
    }),
  );
}

/** Values that may not be read anywhere: of these releases' secrets, and of the registry's login. Masked in all output from now on. */
function hiddenOf(context: CommandContext, config: Config, documents: readonly ReleaseDocument[]): string[] {
  const password = config.registry?.login?.passwordVariable;
  const names = [
    ...documents.flatMap((document) => document.snapshot.secrets.names),
    ...(password === undefined ? [] : [password]),
  ];
  context.output.hide(names.map((name) => context.env[name] ?? "").filter((value) => value !== ""));
  // A login that Docker's helper gave is hidden since it was found.
  return [...context.output.hidden()];
}

/** One host at a time where a gap is chosen anyway; otherwise as the environment says. */
export function strategyOf(environment: Environment): StrategyOptions {
  const { strategy } = environment;
  return strategy.kind === "rolling" ? strategy : { kind: strategy.kind, batch: { count: 1 }, parallel: 1 };
}

/**
 * Runs what changes an environment: shows it, keeps its history, and turns its outcome into an exit code.
 * @param work the deployment itself; null when there was nothing to do
 * @param gates what was asked before, and the answers
 */
export async function carryOut(
  context: CommandContext,
  session: TargetSession,
  work: (ports: DeploymentPorts) => Promise<DeploymentOutcome | null>,
  nothing: string,
  gates: readonly GateAnswer[] = [],
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
    };
    const started = Date.now();
    const outcome = await work({ session, clock: systemClock, signal: context.signal, tell }).finally(() =>
      history.flush(),
    );
    if (outcome === null) {
      output.line(nothing);
      output.result({ state: "nothing-to-do" });
      return exitCodes.done;
    }
    return tellOutcome(context, outcome, Date.now() - started);
  } finally {
    await ledger.close();
  }
}

function tellOutcome(context: CommandContext, outcome: DeploymentOutcome, milliseconds: number): number {
  const { output } = context;
  const { paint } = output;
  const { deployment, state, release, from, error } = outcome;
  output.result({
    deployment,
    state,
    release,
    from,
    outcome: outcome.outcome,
    ...(error === null ? {} : { error: errorDocument(error) }),
    milliseconds,
  });
  if (error === null) {
    output.line(
      `${paint.green("succeeded")}: ${outcome.outcome} in ${outcome.plan.environment} (${(milliseconds / 1000).toFixed(1)} s, deployment ${deployment})`,
    );
    return exitCodes.done;
  }
  if (output.mode === "human") output.error(error);
  output.line(
    `${state === "rolled-back" ? paint.yellow(state) : paint.red(state)}: ${outcome.outcome} (deployment ${deployment})`,
  );
  if (context.signal.aborted && state === "rolled-back")
    return context.signal.reason === "SIGTERM" ? exitCodes.terminated : exitCodes.interrupted;
  return state === "rolled-back" ? exitCodes.failed : exitCodeOf(error.blame);
}
