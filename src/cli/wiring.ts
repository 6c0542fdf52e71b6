import type { Config, Environment, Host } from "../config/types.ts";
import { systemClock } from "../clock.ts";
import type { Acting } from "../environments/audit/audited-record.ts";
import { createConnector } from "../hosts/connector.ts";
import { createDockerEngine } from "../hosts/docker-engine.ts";
import { createEngineTransport } from "../hosts/docker-transport.ts";
import type { Engine } from "../hosts/engine.ts";
import type { HostAddress } from "../hosts/types.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import type { ImagePlaces } from "../hosts/image-places.ts";
import { createRegistryClient } from "../release/registry/client.ts";
import { layerSource } from "../release/registry/layers.ts";
import { parseReference } from "../release/registry/reference.ts";
import type { EngineLogin, Registry } from "../release/registry/types.ts";
import { dockerCompose } from "../targets/compose/compose-program.ts";
import { edgeTls } from "./edge-tls.ts";
import { fetchPublic } from "./fetch-public.ts";
import { imagePlaces } from "./image-places.ts";
import { ownRegistry, type RegistryLogins } from "./registry-logins.ts";
import { composeTarget } from "../targets/compose/target.ts";
import type { Target } from "../targets/types.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** Time for one question about the size of an image: the estimate of the room is not worth more. */
const layersDeadlineMs = 5_000;

/** Time for one question about a base image: without an answer the image is built. */
const baseDeadlineMs = 5_000;

/**
 * The target of an environment, made of real parts.
 * @param acting whose acts are entered in the audit log
 * @param logins of registries; null for who only looks and fetches no image
 */
export function targetOf(
  config: Config,
  environment: Environment,
  env: Variables,
  acting: Acting,
  logins: RegistryLogins | null,
): Target {
  const { target } = environment;
  const connector = createConnector();
  return composeTarget({
    project: config.project,
    environment: environment.name,
    hosts: addressesOf(environment, env),
    home: target.home,
    root: target.folder,
    settings: {
      proxyImage: target.proxy.image,
      proxy: { http: target.proxy.http, https: target.proxy.https, tls: edgeTls(target.proxy, config.folder) },
      keep: environment.keep,
      verifyUrl: environment.verifyUrl ?? null,
      room: { ...environment.room, memoryBytes: environment.room.memoryBytes ?? null },
    },
    connector,
    compose: dockerCompose(env),
    auth: logins === null ? null : engineLogin(logins),
    layers: layerSource(registryWith(config, logins, layersDeadlineMs)),
    images: placesOf(config, environment, env, connector),
    clock: systemClock,
    acting,
    connectTimeoutMs: target.connectTimeoutMs,
    fetchPublic,
  });
}

function addressesOf({ target }: Environment, env: Variables): HostAddress[] {
  return target.hosts.map((host) => addressOf(host, target.folder, env));
}

/** Where images may be that are in no registry, beside the hosts of an environment. */
export function placesOf(
  config: Config,
  environment: Environment | null,
  env: Variables,
  connector = createConnector(),
): ImagePlaces {
  return imagePlaces({
    ...{ config, environment, connector },
    buildEngine: () => buildEngine(env),
    addressesOf: (each) => addressesOf(each, env),
  });
}

/** The registry of every image, each reached with its own login. */
export function registryOf(config: Config, logins: RegistryLogins): Registry {
  return registryWith(config, logins);
}

/** The same registries as anybody meets them, without a login. */
export function anonymousRegistry(config: Config): Registry {
  return registryWith(config, null);
}

/** The registry for questions whose answer is worth little time: about base images, each with the login of its own registry. */
export function publicRegistryOf(config: Config, logins: RegistryLogins): Registry {
  return registryWith(config, logins, baseDeadlineMs);
}

/** @param deadlineMs for one call with all its attempts; the client's own unless given */
function registryWith(config: Config, logins: RegistryLogins | null, deadlineMs?: number): Registry {
  const own = ownRegistry(config);
  return createRegistryClient({
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    access: async (registry) => ({
      credentials: logins === null ? null : async (again) => (await logins(registry, again)).credentials,
      insecure: registry === own && config.registry?.insecure === true,
    }),
  });
}

/** The logins as an engine takes them. */
export function engineLogin(logins: RegistryLogins): EngineLogin {
  return async (repository) => {
    const { registry } = parseReference(repository);
    const { credentials } = await logins(registry);
    // Docker's own name for the login of its Hub.
    const serverAddress = registry === "docker.io" ? "https://index.docker.io/v1/" : registry;
    return credentials === null ? undefined : { ...credentials, serverAddress };
  };
}

/** The engine that builds: the one `docker` uses on this machine. */
export function buildEngine(env: Variables): Engine {
  const configured = env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock";
  if (!configured.startsWith("unix://")) {
    throw new ShiplockError({
      code: "build/docker-host",
      blame: "usage",
      message: `DOCKER_HOST is ${configured}, and only unix:// is supported for building`,
      remedy: "build where an engine runs, or forward its socket",
    });
  }
  const socket = configured.slice("unix://".length);
  return createDockerEngine(
    createEngineTransport({
      host: "the machine that builds",
      socketPath: async () => socket,
      explain: async (cause) =>
        new ShiplockError({
          code: "build/no-engine",
          blame: "usage",
          message: `no Docker Engine answers at ${socket}: ${messageOf(cause)}`,
          remedy: "start it, or set DOCKER_HOST to the socket of one that runs",
        }),
    }),
  );
}

/** How `ssh` is told to reach a host. `SHIPLOCK_SSH_CONFIG` names another configuration file for it. */
function addressOf(host: Host, root: string, env: Variables): HostAddress {
  const { connection } = host;
  if (connection.kind === "local") {
    return {
      kind: "local",
      name: host.name,
      engineSocket: (env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock").replace("unix://", ""),
      root: env["HOME"] ?? "/",
    };
  }
  const user = connection.user === undefined ? "" : `${connection.user}@`;
  const destination =
    connection.port === undefined
      ? `${user}${connection.address}`
      : `ssh://${user}${connection.address}:${connection.port}`;
  const sshConfig = env["SHIPLOCK_SSH_CONFIG"];
  return {
    kind: "ssh",
    destination,
    name: host.name,
    root: root.replace(/^~\//, ""),
    ...(sshConfig === undefined ? {} : { sshConfig }),
  };
}
