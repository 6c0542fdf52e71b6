import { systemClock } from "../clock.ts";
import { hookSecrets } from "../config/secret-names.ts";
import type { Config, Environment } from "../config/types.ts";
import { processHooks } from "../deploy/hooks/process-runner.ts";
import type { HookSetup } from "../deploy/request.ts";
import type { CommandContext } from "./context.ts";
import { demandSecrets, ownerOf, type SecretOwner } from "./secrets.ts";

/** The hooks of an environment, as processes of this machine in the folder of the configuration. */
export function hookSetup(context: CommandContext, config: Config, environment: Environment): HookSetup {
  const { env } = context;
  return {
    declared: environment.hooks,
    runner: processHooks({ folder: config.folder, machine: env, clock: systemClock }),
    secrets: (names) => demandSecrets(context, ownerOf(config, environment.name), names, wanting(environment.name)),
  };
}

/** What an environment's hooks want of secrets, for `demandTogether`. The hooks that run are those of this configuration, not of the commit. */
export function hookDemands(
  config: Config,
  name: string,
): { owner: SecretOwner; names: readonly string[]; who: string }[] {
  const environment = config.environments[name];
  if (environment === undefined) return [];
  return [{ owner: ownerOf(config, name), names: hookSecrets(environment), who: wanting(name) }];
}

function wanting(environment: string): string {
  return `${environment} (hooks)`;
}
