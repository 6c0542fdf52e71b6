import type { Config, Environment } from "../../config/types.ts";
import { resumeDeployment } from "../../deploy/deployment.ts";
import { requestMeant } from "../../environments/queue/answers.ts";
import type { Ticket } from "../../environments/queue/types.ts";
import { ShiplockError } from "../../errors.ts";
import { argument, optionalArgument } from "../arguments.ts";
import type { CommandContext } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { finish } from "../finish.ts";
import { printable } from "../output.ts";
import { takeUpHere } from "../take-up.ts";
import { type Requests, withRequestsThen } from "../with-requests.ts";
import type { Flags } from "./table.ts";

/** Finishes the deployment that was never ended; where there is none, carries out requests whose command is gone. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { output } = context;
  const named = optionalArgument(args, 1);
  const look = async ({ config, environment, read, gone }: Requests): Promise<Found> => {
    const state = await read();
    const unattended = await gone(state);
    const unfinished = state.operation !== null && (named === null || named === state.operation.deployment);
    const tickets = unfinished ? [] : named === null ? state.tickets : [requestMeant(state, named)];
    return { config, environment, unfinished, tickets, unattended };
  };
  return withRequestsThen(context, argument(args, 0), look, async (found, notices) => {
    const { config, environment, unfinished, tickets, unattended } = found;
    if (unfinished) return finish(context, args, flags, resumeDeployment);
    const gone = tickets.filter(({ deployment }) => unattended.has(deployment));
    const left = withoutSameHosts(gone);
    for (const ticket of tickets)
      if (!unattended.has(ticket.deployment)) {
        if (named !== null) throw attended(ticket);
        output.line(`${ticket.deployment} is left to its command, which waits at ${printable(ticket.origin.from)}`);
      }
    for (const { deployment } of gone.filter((ticket) => !left.includes(ticket)))
      output.line(
        `${deployment} leaves out other hosts, so it is carried out by itself: \`shiplock resume ${environment.name} ${deployment}\``,
      );
    if (left.length > 0) return takeUpHere(context, config, environment, left, flags, notices);
    output.line(`no deployment of ${environment.name} is unfinished: there is nothing to do`);
    output.result({ state: "nothing-to-do" });
    return exitCodes.done;
  });
}

type Found = {
  config: Config;
  environment: Environment;
  unfinished: boolean;
  tickets: readonly Ticket[];
  unattended: ReadonlySet<string>;
};

/** In their order. Those that leave out hosts are carried out by themselves, since a session leaves out the same for all. */
function withoutSameHosts(tickets: readonly Ticket[]): Ticket[] {
  const ordered = tickets.toSorted((left, right) => left.number - right.number);
  const [first] = ordered;
  const skip = first?.options.skip.toSorted().join();
  return ordered.filter(({ options }) => options.skip.toSorted().join() === skip);
}

function attended({ deployment, origin }: Ticket): ShiplockError {
  return new ShiplockError({
    code: "resume/attended",
    blame: "gate",
    message: `${deployment} is worked on: its command waits at ${origin.from}`,
    remedy: "leave it to that command; a minute after it is gone this one takes the request up",
  });
}
