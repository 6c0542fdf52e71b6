import type { Config, Environment, Host } from "../config/types.ts";
import { interpolate } from "../config/interpolate.ts";
import { systemClock } from "../clock.ts";
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
import type { Registry, RegistryLogin } from "../release/registry/types.ts";
import { readSecrets } from "../secrets/environment.ts";
import { dockerCompose } from "../targets/compose/compose-program.ts";
import { edgeTls } from "./edge-tls.ts";
import { fetchPublic } from "./fetch-public.ts";
import { imagePlaces } from "./image-places.ts";
import { composeTarget } from "../targets/compose/target.ts";
import type { Target } from "../targets/types.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** Time for one question about the size of an image: the estimate of the room is not worth more. */
const layersDeadlineMs = 5_000;

/** Time for one question about a base image: without an answer the image is built. */
const baseDeadlineMs = 5_000;

/** Time for the first connection to a host. */
const connectTimeoutMs = 20_000;

/**
 * The target of an environment, made of real parts.
 * @param pulls whether what it is opened for may fetch images: then the registry's login is demanded; who only looks needs none
 * @throws ShiplockError `secrets/missing`
 */
export function targetOf(config: Config, environment: Environment, env: Variables, pulls: boolean): Target {
  const { target } = environment;
  const auth = pulls ? registryAuth(config, env) : null;
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
    auth,
    layers: layerSource(registryWith(config, auth, layersDeadlineMs)),
    images: placesOf(config, environment, env, connector),
    clock: systemClock,
    connectTimeoutMs,
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

/** The registry's login, read from the variable the configuration names; null for a registry without one. */
export function registryAuth(config: Config, env: Variables): RegistryLogin | null {
  const { registry } = config;
  if (registry?.login === undefined) return null;
  const { username, passwordVariable } = registry.login;
  const password = readSecrets([passwordVariable], env, `the registry ${registry.address}`)[passwordVariable] ?? "";
  return {
    address: registry.address,
    username: interpolate(username, env, `${config.file}: registry.username`),
    password,
  };
}

/**
 * The registry, with the login of the configuration.
 * @throws ShiplockError `secrets/missing`
 */
export function registryOf(config: Config, env: Variables): Registry {
  return registryWith(config, registryAuth(config, env));
}

/** The registry for questions whose answer is worth little time: about base images, of which the project's login serves only its own registry. */
export function publicRegistryOf(config: Config, env: Variables): Registry {
  return registryWith(config, registryAuth(config, env), baseDeadlineMs);
}

/** @param deadlineMs for one call with all its attempts; the client's own unless given */
function registryWith(config: Config, auth: RegistryLogin | null, deadlineMs?: number): Registry {
  const own = config.registry === undefined ? null : parseReference(`${config.registry.address}/x`).registry;
  return createRegistryClient({
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    access: async (registry) => ({
      credentials: auth !== null && registry === own ? { username: auth.username, password: auth.password } : null,
      insecure: registry === own && config.registry?.insecure === true,
    }),
  });
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
