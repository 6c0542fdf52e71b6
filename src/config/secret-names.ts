import { notifySecrets } from "./resolve-notify.ts";
import type { Config } from "./types.ts";

/** Every secret that a configuration names anywhere and that has a value here, by name. */
export function declaredSecrets(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const values = secretNames(config).map((name): [string, string] => [name, env[name] ?? ""]);
  return Object.fromEntries(values.filter(([, value]) => value !== ""));
}

/** The names of all secrets that a configuration declares: of every environment, image, check and notifier, and the registry's password. */
export function secretNames({ environments, images, checks, notify, registry }: Config): string[] {
  return [
    ...Object.values(environments).flatMap((environment) => environment.secrets.names),
    ...Object.values(images).flatMap((image) => image.secrets),
    ...Object.values(checks).flatMap((check) => check.secrets),
    ...notify.flatMap(notifySecrets),
    ...(registry?.login === undefined ? [] : [registry.login.passwordVariable]),
  ];
}
