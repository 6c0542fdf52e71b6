import { readFile } from "node:fs/promises";
import { interpolate } from "../config/interpolate.ts";
import { isLocalRepository } from "../config/local-repository.ts";
import type { Config } from "../config/types.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import { runProgram } from "../process.ts";
import { dockerLogin, type DockerLoginPorts, type FoundLogin } from "../release/registry/docker-login.ts";
import type { RegistryLogin } from "../release/registry/types.ts";
import { parseReference } from "../release/registry/reference.ts";
import { demandTogether, ownerOf, type SecretContext } from "./secrets.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** Milliseconds for one answer of a credential helper; some ask a person or a cloud first. */
const standardHelperTimeoutMs = 15_000;

/** Finds logins of registries, each once, until one is refused. */
export type RegistryLogins = (registry: string, again?: boolean) => Promise<FoundLogin>;

/**
 * Logins in this order: of the configuration, for its own registry; of Docker's helper for that registry, Docker's store, Docker's file; none.
 * @param context its output masks every value that is found, before anybody can use it
 * @throws (each call) ShiplockError `secrets/missing`, and those of `dockerLogin`
 */
export function registryLogins(
  config: Config,
  context: SecretContext,
  helperTimeoutMs = standardHelperTimeoutMs,
): RegistryLogins {
  const found = new Map<string, Promise<FoundLogin>>();
  return (registry, again = false) => {
    const known = found.get(registry);
    if (known !== undefined && !again) return known;
    const looked = find(config, context, registry, helperTimeoutMs).then((login) => {
      context.output.hide(secretsOf(login));
      return login;
    });
    found.set(registry, looked);
    return looked;
  };
}

async function find(
  config: Config,
  context: SecretContext,
  registry: string,
  helperTimeoutMs: number,
): Promise<FoundLogin> {
  const own = registry === ownRegistry(config) ? await registryAuth(config, context) : null;
  if (own === null) return dockerLogin(registry, portsOf(context.env, helperTimeoutMs));
  return { credentials: { username: own.username, password: own.password }, origin: { kind: "configuration" } };
}

/**
 * The login that the configuration names, its password being one of the project's secrets; null where it names none.
 * @throws ShiplockError `secrets/missing`
 */
export async function registryAuth(config: Config, context: SecretContext): Promise<RegistryLogin | null> {
  const { registry } = config;
  if (registry?.login === undefined) return null;
  const { username, passwordVariable } = registry.login;
  const [values] = await demandTogether(context, passwordDemands(config));
  const password = values?.[passwordVariable] ?? "";
  return {
    address: registry.address,
    username: interpolate(username, context.env, `${config.file}: registry.username`),
    password,
  };
}

/** What the configured login needs, so that it can be demanded together with other secrets; nothing where none is configured. */
export function passwordDemands(config: Config): Parameters<typeof demandTogether>[1] {
  const { registry } = config;
  if (registry?.login === undefined) return [];
  const who = `the registry ${registry.address}`;
  return [{ owner: ownerOf(config, null), names: [registry.login.passwordVariable], who }];
}

/** The registry that the configuration names; null for none. */
export function ownRegistry(config: Config): string | null {
  return config.registry === undefined ? null : parseReference(`${config.registry.address}/x`).registry;
}

/** The registries of a project's images, each once; none for images that travel to their hosts by themselves. */
export function registriesOf(config: Config): string[] {
  const repositories = Object.values(config.images).map(({ repository }) => repository);
  const registries = repositories
    .filter((repository) => !isLocalRepository(repository))
    .map((repository) => parseReference(repository).registry);
  return [...new Set(registries)];
}

/** What of a login nobody may read: the secret, and what it is in the header that carries it. */
function secretsOf({ credentials }: FoundLogin): string[] {
  if (credentials === null) return [];
  return ["identityToken" in credentials ? credentials.identityToken : credentials.password].filter(
    (value) => value !== "",
  );
}

function portsOf(env: Variables, helperTimeoutMs: number): DockerLoginPorts {
  return {
    env,
    readFile: async (path) => {
      try {
        return await readFile(path, "utf8");
      } catch (cause) {
        if (["ENOENT", "ENOTDIR"].includes((cause as NodeJS.ErrnoException).code ?? "")) return null;
        throw new ShiplockError({
          code: "registry/docker-config",
          blame: "usage",
          message: `Docker's configuration, where the registry's login is looked for, cannot be read: ${messageOf(cause)}`,
          where: path,
          remedy: "make the file readable, or name the login in shiplock.yml (registry.username, registry.password)",
        });
      }
    },
    runHelper: (program, server) =>
      runProgram(program, ["get"], { env, input: server, timeoutMs: helperTimeoutMs, keepBytes: 64 * 1024 }),
  };
}
