import { variablesIn } from "../../config/interpolate.ts";
import { notifySecrets } from "../../config/resolve-notify.ts";
import { hookSecrets, withoutPlaces } from "../../config/secret-names.ts";
import type { Check, Config, Environment, Notify, SecretPolicy } from "../../config/types.ts";

/** What a step has to be given: names of secrets, and of settings that are none. */
export type Needed = {
  readonly secrets: readonly string[];
  readonly variables: readonly string[];
  /** Whether it proves who it is to a cloud. */
  readonly cloud: boolean;
};

/** One that secrets belong to, with the names that it wants. */
type Demand = { readonly policy: SecretPolicy; readonly names: readonly string[] };

/** What a deployment of an environment needs. Its checks ran elsewhere, and it gets none of their secrets. */
export function neededToDeploy(config: Config, environment: Environment): Needed {
  const images = Object.values(config.images);
  return together(
    [
      {
        policy: environment.secrets,
        names: [...environment.secrets.names, ...withoutPlaces(hookSecrets(environment))],
      },
      ...images.map((image) => ({
        policy: image.perEnvironment ? environment.secrets : config.secrets,
        names: image.secrets,
      })),
      registryDemand(config),
      notifyDemand(config, (one) => concerns(one, environment)),
    ],
    namesOfTexts(
      [
        config.registry?.login?.username,
        ...images.flatMap((image) => Object.values(image.args)),
        ...Object.values(config.services).flatMap((service) => service.routes),
        environment.url,
        environment.verifyUrl,
      ],
      environment,
    ),
  );
}

/** What a command needs that changes the record of an environment and nothing else. */
export function neededToRecord(config: Config, environment: Environment): Needed {
  return together([notifyDemand(config, (one) => concerns(one, environment))], []);
}

/** What a check needs. Who is told of failed checks by name is told by it. */
export function neededToCheck(config: Config, check: Check): Needed {
  return together(
    [
      { policy: config.secrets, names: check.secrets },
      notifyDemand(config, ({ named }) => named.includes("check-failed")),
    ],
    [],
  );
}

/** What building the images needs without shipping them: no login, unless a registry keeps the cache. */
export function neededToBuild(config: Config, environment: Environment | undefined): Needed {
  const images = Object.values(config.images);
  return together(
    [
      ...images.map((image) => ({
        policy: image.perEnvironment && environment !== undefined ? environment.secrets : config.secrets,
        names: image.secrets,
      })),
      ...(config.registry?.cache === undefined ? [] : [registryDemand(config)]),
    ],
    namesOfTexts(
      [
        ...(config.registry?.cache === undefined ? [] : [config.registry.login?.username]),
        ...images.flatMap((image) => Object.values(image.args)),
      ],
      environment,
    ),
  );
}

/** What naming images needs. */
export function neededToTag(config: Config): Needed {
  return together([registryDemand(config)], namesOfTexts([config.registry?.login?.username], undefined));
}

function registryDemand({ registry, secrets }: Config): Demand {
  return { policy: secrets, names: registry?.login === undefined ? [] : [registry.login.passwordVariable] };
}

function notifyDemand({ notify, secrets }: Config, told: (notify: Notify) => boolean): Demand {
  return { policy: secrets, names: notify.filter(told).flatMap(notifySecrets) };
}

/** Whether somebody is told of what happens in an environment. */
export function concerns({ environments }: Notify, { name }: Environment): boolean {
  return environments === undefined || environments.includes(name);
}

function together(demands: readonly Demand[], variables: readonly string[]): Needed {
  const wanted = demands.filter(({ names }) => names.length > 0);
  const secrets = wanted.flatMap(({ policy, names }) => [
    ...(has(policy, "env") ? names : []),
    ...(has(policy, "age") ? ["SHIPLOCK_AGE_KEY"] : []),
  ]);
  const cloud = wanted.some(({ policy }) => has(policy, "aws-secrets-manager") || has(policy, "aws-ssm"));
  return { secrets: [...new Set(secrets)], variables: [...new Set(variables)], cloud };
}

function has({ sources }: SecretPolicy, kind: SecretPolicy["sources"][number]["provider"]["kind"]): boolean {
  return sources.some(({ provider }) => provider.kind === kind);
}

/** Names that are filled in from the environment of the command: not the environment's own variables, nor what every workflow has. */
function namesOfTexts(texts: readonly (string | undefined)[], environment: Environment | undefined): string[] {
  return texts
    .flatMap((text) => variablesIn(text ?? ""))
    .filter((name) => environment === undefined || !Object.hasOwn(environment.variables, name))
    .filter((name) => !/^(?:GITHUB|RUNNER)_|^CI$/.test(name));
}
