import type { Config, Environment } from "../../config/types.ts";
import { runDeployment } from "../../deploy/deployment.ts";
import { argument, textFlag } from "../arguments.ts";
import { type CommandContext, loadEnvironment } from "../context.ts";
import type { Notices } from "../notices.ts";
import { demandGateFlags } from "../request-for.ts";
import { rollbackRequest } from "../rollback-request.ts";
import { carryOut } from "../run-deployment.ts";
import { deployingWithout, withSession } from "../session.ts";
import { withNotices } from "../with-notices.ts";
import type { Flags } from "./table.ts";

export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { config, environment } = await loadEnvironment(context, argument(args, 0));
  demandGateFlags(flags, environment);
  const about = { environment: environment.name, kind: "rollback", ofCommit: false };
  return withNotices(context, config, flags, about, (notices) =>
    rollBack(context, config, environment, flags, notices),
  );
}

async function rollBack(
  context: CommandContext,
  config: Config,
  environment: Environment,
  flags: Flags,
  notices: Notices,
): Promise<number> {
  const { output } = context;
  const to = textFlag(flags, "to");
  return withSession(
    context,
    config,
    environment,
    async (session) => {
      const request = await rollbackRequest(context, config, environment, session, flags, to);
      return await carryOut(
        context,
        session,
        async (ports) => {
          const outcome = await runDeployment(request, ports);
          if (outcome.error === null) {
            output.line(output.paint.dim("automatic deployments are paused until somebody deploys on purpose"));
            output.line(output.paint.dim(`\`shiplock revert ${environment.name}\` takes the commits back`));
          }
          return outcome;
        },
        "nothing to do",
        notices,
      );
    },
    deployingWithout(flags),
  );
}
