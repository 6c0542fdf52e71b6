import { notifySecrets } from "./resolve-notify.ts";
import type { Config, Environment } from "./types.ts";

/** Every secret that a configuration names anywhere and that has a value here, by name. */
export function declaredSecrets(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const values = secretNames(config).map((name): [string, string] => [name, env[name] ?? ""]);
  return Object.fromEntries(values.filter(([, value]) => value !== ""));
}

/** The names of all secrets that a configuration declares: of every environment with its hooks, image, check and notifier, the registry's password and GitHub's token. */
export function secretNames({ environments, images, checks, notify, registry, github }: Config): string[] {
  return [
    ...Object.values(environments).flatMap((environment) => environment.secrets.names),
    ...Object.values(environments).flatMap((environment) => withoutPlaces(hookSecrets(environment))),
    ...Object.values(images).flatMap((image) => image.secrets),
    ...Object.values(checks).flatMap((check) => check.secrets),
    ...notify.flatMap(notifySecrets),
    ...(registry?.login === undefined ? [] : [registry.login.passwordVariable]),
    ...(github.token === undefined ? [] : [github.token]),
  ];
}

/** What a hook names so that it is handed on, though it is no secret: where something on this machine is. */
const places: ReadonlySet<string> = new Set(["DOCKER_HOST", "SSH_AUTH_SOCK"]);

/** The names of the secrets that an environment's hooks get, each once. */
export function hookSecrets({ hooks }: Pick<Environment, "hooks">): string[] {
  const all = Object.values(hooks).flatMap((list) => list.flatMap(({ secrets }) => secrets));
  return [...new Set(all)];
}

/** Names without those whose values are no secrets. */
export function withoutPlaces(names: readonly string[]): string[] {
  return names.filter((name) => !places.has(name));
}
