import type { DeploymentOutcome, DeploymentPorts, FinishRequest } from "../deploy/request.ts";
import { argument } from "./arguments.ts";
import type { Flags } from "./commands/table.ts";
import { type CommandContext, loadEnvironment } from "./context.ts";
import { following } from "./following.ts";
import { requestFor } from "./request-for.ts";
import { carryOut } from "./run-deployment.ts";
import { withSession } from "./session.ts";
import { withNotices } from "./with-notices.ts";

/** `resume` and `abort`: ends the deployment that the environment record says was never ended, wherever it was begun. */
export async function finish(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
  work: (request: FinishRequest, ports: DeploymentPorts) => Promise<DeploymentOutcome | null>,
): Promise<number> {
  const { config, environment } = await loadEnvironment(context, argument(args, 0));
  const about = { environment: environment.name, kind: null, ofCommit: false };
  return withNotices(context, config, flags, about, (notices) =>
    withSession(
      context,
      config,
      environment,
      async (session) => {
        const request = await requestFor(context, config, environment, session, "deploy", flags);
        return carryOut(
          context,
          session,
          (ports) => work(request, ports),
          `no deployment of ${environment.name} is unfinished: there is nothing to do`,
          notices,
          [],
          following(context, config, environment, flags),
        );
      },
      { kind: "finish" },
    ),
  );
}
