import { systemClock } from "../clock.ts";
import type { Config, Environment } from "../config/types.ts";
import { processHooks } from "../deploy/hooks/process-runner.ts";
import type { HookSetup } from "../deploy/request.ts";
import type { CommandContext } from "./context.ts";
import { demandSecrets, ownerOf } from "./secrets.ts";

/** The hooks of an environment, as processes of this machine in the folder of the configuration. */
export function hookSetup(context: CommandContext, config: Config, environment: Environment): HookSetup {
  const { env } = context;
  return {
    declared: environment.hooks,
    runner: processHooks({ folder: config.folder, machine: env, clock: systemClock }),
    secrets: (names) => demandSecrets(context, ownerOf(config, environment.name), names, `${environment.name} (hooks)`),
  };
}
