import type { Config, Environment } from "../config/types.ts";
import { runQueued } from "../deploy/deployment.ts";
import type { DeploymentOutcome, DeploymentPorts } from "../deploy/request.ts";
import { tellUnwatched } from "../deploy/turns.ts";
import type { Ticket } from "../environments/queue/types.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import type { TargetSession } from "../targets/types.ts";
import type { Flags } from "./commands/table.ts";
import type { CommandContext } from "./context.ts";
import type { Notices } from "./notices.ts";
import { following } from "./following.ts";
import { requestOfTicket } from "./request-for.ts";
import { carryOut } from "./run-deployment.ts";
import { withSession } from "./session.ts";
import { tellingFailure } from "./with-notices.ts";

/**
 * Carries requests out here that stand in the queue, one after another, each as it was asked for. One that still waits for a gate stays in the queue. The last one is
 * followed as if it had been asked for here: by its watch, and by the rollback that a hook wants.
 * @param tickets in their order; all of them leave out the same hosts
 * @param notices who is told; left open
 * @returns the exit code of the first that did not succeed
 */
export async function takeUpHere(
  context: CommandContext,
  config: Config,
  environment: Environment,
  tickets: readonly Ticket[],
  flags: Flags,
  notices: Notices,
): Promise<number> {
  const skip = tickets[0]?.options.skip ?? [];
  return tellingFailure(context, config, flags, false, notices, () =>
    withSession(
      context,
      config,
      environment,
      async (session) => {
        const one = (ticket: Ticket, ports: DeploymentPorts): Promise<DeploymentOutcome> =>
          takeUpOne(context, config, environment, session, ticket, flags, ports);
        const work = (ports: DeploymentPorts): Promise<DeploymentOutcome | null> => inOrder(tickets, ports, one);
        const nothing = `no request of ${environment.name} is left to be taken up`;
        const follow = following(context, config, environment, { ...flags, skipHost: [...skip] });
        return carryOut(context, session, work, nothing, notices, [], follow);
      },
      { kind: "deploy", skip },
    ),
  );
}

async function takeUpOne(
  context: CommandContext,
  config: Config,
  environment: Environment,
  session: TargetSession,
  ticket: Ticket,
  flags: Flags,
  ports: DeploymentPorts,
): Promise<DeploymentOutcome> {
  const request = await requestOfTicket(context, config, environment, session, ticket);
  ports.tell({ kind: "taken-up", ticket });
  return runQueued({ ...request, wait: flags["wait"] !== false, waitForGates: false }, ports);
}

/** What cannot be carried out is passed over, and told; what came of the rest is the first thing that is not well, or the last. */
async function inOrder(
  tickets: readonly Ticket[],
  ports: DeploymentPorts,
  one: (ticket: Ticket, ports: DeploymentPorts) => Promise<DeploymentOutcome>,
): Promise<DeploymentOutcome | null> {
  const outcomes: DeploymentOutcome[] = [];
  const failures: string[] = [];
  for (const ticket of tickets) {
    const before = outcomes.at(-1);
    if (before !== undefined) tellUnwatched(before, ticket.deployment, ports);
    try {
      const outcome = await one(ticket, ports);
      outcomes.push(outcome);
      // What has to be gone back from is not covered up by the next one, which stays in the queue.
      if (outcome.wantsRollback !== undefined) return outcome;
    } catch (error) {
      ports.signal.throwIfAborted();
      if (tickets.length === 1) throw error;
      ports.tell({ kind: "passed-over", ticket, reason: messageOf(error) });
      failures.push(messageOf(error));
    }
  }
  const bad = outcomes.find(({ error }) => error !== null) ?? outcomes.find(({ state }) => state === "waiting");
  if (bad === undefined && failures.length > 0) throw notCarriedOut(tickets, failures);
  return bad ?? outcomes.at(-1) ?? null;
}

function notCarriedOut(tickets: readonly Ticket[], failures: readonly string[]): ShiplockError {
  return new ShiplockError({
    code: "resume/not-carried-out",
    blame: "gate",
    message: `${failures.length} of ${tickets.length} requests could not be carried out here, and stay in the queue`,
    remedy: "carry them out where they can be, or end them with `shiplock cancel`",
    details: failures,
  });
}
