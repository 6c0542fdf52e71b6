import { type Clock, waitFor } from "../../clock.ts";
import type { CheckService } from "../../config/types.ts";
import { ShiplockError } from "../../errors.ts";
import { type Engine, EngineError } from "../../hosts/engine.ts";
import type { JsonObject } from "../../hosts/json.ts";
import type { ImageSource } from "./images.ts";
import { labelsOf, type Ownership } from "./labels.ts";

/** How often a service is asked whether it is healthy. */
const lookMs = 200;
const healthCommandMs = 10_000;
const lastLines = 20;
const nanoseconds = 1_000_000;

export type ServicesRequest = {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly owner: Ownership;
  readonly images: ImageSource;
  /** Of the job, for labels and errors. */
  readonly job: string;
  readonly services: readonly CheckService[];
  /** Begins the names of containers and network. */
  readonly name: string;
  readonly signal: AbortSignal;
};

export type RunningServices = {
  /** Name of the network on which they are reached by their names. */
  readonly network: string;
  /** Removes them, with what they wrote, and their network. */
  close(): Promise<void>;
};

/**
 * Starts the backing services of a check on a network of their own and waits until each is healthy. What was started is removed again when one of them fails.
 * @throws ShiplockError `check/service-without-health`, `check/service-unhealthy` with the last lines of its log, and errors of the engine
 */
export async function startServices(request: ServicesRequest): Promise<RunningServices> {
  const { engine, owner, job, services, name, signal } = request;
  const labels = labelsOf(owner, "check", job);
  const network = await engine.createNetwork({ Name: name, Driver: "bridge", Labels: labels }, { signal });
  const containers: string[] = [];
  const close = async (): Promise<void> => {
    const removed = await Promise.allSettled(
      containers.map((id) => engine.removeContainer(id, { force: true, volumes: true })),
    );
    await engine.removeNetwork(network);
    for (const one of removed) if (one.status === "rejected") throw one.reason;
  };
  try {
    await Promise.all(
      services.map(async (service) => {
        const body = serviceBody(service, await request.images.idOf(service.image), name, labels);
        const id = await engine.createContainer(`${name}-${service.name}`, body, { signal });
        containers.push(id);
        await engine.startContainer(id, { signal });
        await untilHealthy(request, service, id);
      }),
    );
    return { network: name, close };
  } catch (error) {
    await close().catch((failure: unknown) => {
      // The next run finds by its label what could not be removed; why it failed is worth more.
      if (!(failure instanceof ShiplockError)) throw failure;
    });
    throw error;
  }
}

function serviceBody(
  service: CheckService,
  imageId: string,
  network: string,
  labels: Readonly<Record<string, string>>,
): JsonObject {
  return {
    Image: imageId,
    Labels: labels,
    Env: Object.entries(service.env).map(([name, value]) => `${name}=${value}`),
    ...(service.command === undefined ? {} : { Cmd: service.command }),
    // The image's own check is asked more often than its author thought of; one that is not used costs nothing.
    Healthcheck: service.health === undefined ? { Interval: 1_000 * nanoseconds } : { Test: ["NONE"] },
    HostConfig: { NetworkMode: network, LogConfig: { Type: "json-file" } },
    NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: [service.name] } } },
  };
}

async function untilHealthy(request: ServicesRequest, service: CheckService, id: string): Promise<void> {
  const { engine, clock, signal } = request;
  const healthy = await waitFor(clock, { timeoutMs: service.startPeriodMs, intervalMs: lookMs, signal }, async () => {
    const container = await engine.inspectContainer(id, { signal });
    if (container === null) throw await unhealthy(request, service, id, "was removed by someone else");
    const { state } = container;
    if (!state.running) throw await unhealthy(request, service, id, `ended with exit code ${state.exitCode}`);
    if (service.health !== undefined) return (await asked(request, service, service.health, id)) ? true : null;
    if (state.health === undefined) throw withoutHealth(request.job, service);
    return state.health === "healthy" ? true : null;
  });
  if (healthy === null)
    throw await unhealthy(request, service, id, `was not healthy within ${service.startPeriodMs / 1000} s`);
}

async function asked(
  { engine, signal }: ServicesRequest,
  service: CheckService,
  health: NonNullable<CheckService["health"]>,
  id: string,
): Promise<boolean> {
  const command = health.kind === "shell" ? ["sh", "-c", health.line] : health.arguments;
  try {
    // While PostgreSQL's image sets itself up, its server answers on a socket only and is stopped again: ask as the check will.
    const env = service.env["PGHOST"] === undefined ? { PGHOST: "127.0.0.1" } : {};
    return (await engine.exec(id, command, { timeoutMs: healthCommandMs, signal, env })).exitCode === 0;
  } catch (error) {
    // It may have ended just now, or hang; the next look tells.
    const again = error instanceof EngineError && ["engine/timeout", "engine/conflict"].includes(error.code);
    if (again) return false;
    throw error;
  }
}

async function unhealthy(
  { engine, job }: ServicesRequest,
  service: CheckService,
  id: string,
  what: string,
): Promise<ShiplockError> {
  const lines: string[] = [];
  try {
    for await (const { line } of engine.logs(id, { tail: lastLines })) lines.push(line);
  } catch (error) {
    if (!(error instanceof ShiplockError)) throw error;
    lines.push(`(its log could not be read: ${error.message})`);
  }
  return new ShiplockError({
    code: "check/service-unhealthy",
    message: `the service ${service.name} (${service.image}) ${what}`,
    where: `checks.${job}`,
    remedy: `look at its log; \`health\` is what has to pass, \`startPeriod\` how long it may take`,
    details: lines.length === 0 ? ["(it wrote nothing)"] : lines,
  });
}

function withoutHealth(job: string, service: CheckService): ShiplockError {
  return new ShiplockError({
    code: "check/service-without-health",
    blame: "usage",
    message: `nothing says when the service ${service.name} can be used: its image ${service.image} has no HEALTHCHECK`,
    where: `checks.${job}`,
    remedy: `write a command that passes once it can, such as \`health: pg_isready -U postgres\` or \`health: redis-cli ping\`, into the service ${service.name}`,
  });
}
