import type { Config, Environment } from "../config/types.ts";
import { runDeployment } from "../deploy/deployment.ts";
import type { DeploymentOutcome, DeploymentPorts, DeploymentRequest } from "../deploy/request.ts";
import type { WatchEnd } from "../environments/watch/types.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import type { Flags } from "./commands/table.ts";
import type { CommandContext } from "./context.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { errorDocument } from "./output.ts";
import { rollbackRequest } from "./rollback-request.ts";
import { type Aftermath, resultOf, tellOutcome } from "./run-deployment.ts";
import { deployingWithout, withSession } from "./session.ts";
import { watchLive } from "./watching.ts";

/** What follows a deployment that succeeded: the watch of its environment, and going back where the watch or a hook says so. A rollback is followed by nothing. */
export function following(
  context: CommandContext,
  config: Config,
  environment: Environment,
  flags: Flags,
): (outcome: DeploymentOutcome, ports: DeploymentPorts) => Promise<Aftermath | null> {
  const goBack = (outcome: DeploymentOutcome, ports: DeploymentPorts, who: string, why: string): Promise<Aftermath> =>
    rollBack({ context, config, environment, flags, ports }, outcome, { who, why });
  return async (outcome, ports) => {
    const { plan, deployment, state } = outcome;
    if (plan === null || state !== "succeeded" || plan.kind === "rollback") return null;
    if (outcome.wantsRollback !== undefined)
      return goBack(outcome, ports, `hook of ${deployment}`, outcome.wantsRollback);
    const policy = flags["watch"] === false ? undefined : environment.watch;
    if (policy === undefined) return null;
    const watched = await watchLive(context, config, environment, policy, { plan, ports });
    const end = { how: watched.how, said: context.output.mask(watched.said) };
    if (end.how === "bad" && policy.onFailure === "rollback") {
      const aftermath = await goBack(outcome, ports, `watch of ${deployment}`, end.said);
      return { ...aftermath, result: { watch: end, ...aftermath.result } };
    }
    return { exitCode: exitCodeOfWatch(context, end), result: { watch: end } };
  };
}

/** The release stays live in all of these. An interrupted watch must not let a script go on as if it had ended well. */
function exitCodeOfWatch({ signal }: CommandContext, { how }: WatchEnd): number {
  switch (how) {
    case "healthy":
    case "superseded":
      return exitCodes.done;
    case "bad":
    case "unseen":
      return exitCodes.person;
    case "interrupted":
      return signal.reason === "SIGTERM" ? exitCodes.terminated : exitCodes.interrupted;
  }
}

type Going = {
  context: CommandContext;
  config: Config;
  environment: Environment;
  flags: Flags;
  ports: DeploymentPorts;
};

/** Another deployment, of the release before, through connections of its own: those that watched may be gone. */
async function rollBack(
  { context, config, environment, flags, ports }: Going,
  { deployment, release }: DeploymentOutcome,
  { who, why }: { who: string; why: string },
): Promise<Aftermath> {
  const { output } = context;
  output.line(output.paint.yellow(`going back from ${release} by itself: ${why}`));
  const kept: Flags = { skipHost: flags["skipHost"], wait: flags["wait"] };
  const started = ports.clock.elapsed();
  try {
    const { outcome, audit } = await withSession(
      context,
      config,
      environment,
      async (session) => {
        const request = await rollbackRequest(context, config, environment, session, kept, null);
        const origin = { ...request.origin, who, reason: why };
        const choose = onlyFrom(deployment, request.choose);
        const ended = await runDeployment({ ...request, origin, choose }, { ...ports, session });
        return { outcome: ended, audit: session.audit.head() };
      },
      deployingWithout(kept),
    );
    tellOutcome(context, outcome, ports.clock.elapsed() - started);
    const done = outcome.state === "succeeded";
    const rollback = resultOf(outcome, Math.round(ports.clock.elapsed() - started));
    return { exitCode: done ? exitCodes.failed : exitCodes.person, result: { wentBackFor: why, rollback }, audit };
  } catch (error) {
    if (error instanceof ShiplockError && error.code === "watch/superseded") {
      output.line(messageOf(error));
      return { exitCode: exitCodes.done, result: { wentBackFor: why } };
    }
    const told = notBack(environment.name, release, why, error);
    if (output.mode === "human") output.error(told);
    return { exitCode: exitCodeOf(told.blame), result: { wentBackFor: why, error: errorDocument(told) } };
  }
}

/** Goes back only as long as what was watched is live: what somebody deployed since is not ours to take away. */
function onlyFrom(deployment: string, choose: DeploymentRequest["choose"]): DeploymentRequest["choose"] {
  return (state, previous) => {
    if (state.live?.deployment === deployment) return choose(state, previous);
    throw new ShiplockError({
      code: "watch/superseded",
      blame: "gate",
      message: `${state.live?.release ?? "nothing"} is live in ${state.environment} by now, so nothing is taken back`,
    });
  };
}

function notBack(environment: string, release: string, why: string, error: unknown): ShiplockError {
  const known = error instanceof ShiplockError ? error : null;
  return new ShiplockError({
    code: "watch/not-back",
    blame: "person",
    message: `${release} is live in ${environment} and bad, and could not be taken back: ${messageOf(error)}`,
    details: [why, ...(known?.details ?? [])],
    remedy: known?.remedy ?? `look at it with \`shiplock status ${environment}\``,
    cause: error,
  });
}
