import type { ProviderSettings, SecretProvider, Variables } from "../provider.ts";
import { ageFile } from "./age-file.ts";
import { awsSecretsManager } from "./aws-secrets-manager.ts";
import { awsSsm } from "./aws-ssm.ts";
import { commandProvider } from "./command.ts";
import { dotenvFile } from "./dotenv-file.ts";
import { processEnvironment } from "./process-environment.ts";

type Makers = {
  [Kind in ProviderSettings["kind"]]: (
    settings: Extract<ProviderSettings, { kind: Kind }>,
    env: Variables,
  ) => SecretProvider;
};

/** Every provider there is. A new one is one file and one line here. */
const makers: Makers = {
  env: (_settings, env) => processEnvironment(env),
  dotenv: ({ file, written }) => dotenvFile(file, written),
  age: ({ file, written }, env) => ageFile(file, written, env),
  "aws-secrets-manager": awsSecretsManager,
  "aws-ssm": awsSsm,
  command: commandProvider,
};

/**
 * The provider that settings choose.
 * @param env the environment variables of the command
 */
export function providerOf(settings: ProviderSettings, env: Variables): SecretProvider {
  const make = makers[settings.kind] as (settings: ProviderSettings, env: Variables) => SecretProvider;
  return make(settings, env);
}
