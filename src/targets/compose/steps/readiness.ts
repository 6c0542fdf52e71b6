import { connect } from "node:net";
import type { ReplicaRef } from "../../../deploy/types.ts";
import { messageOf, ShiplockError } from "../../../errors.ts";
import type { Container } from "../../../hosts/engine.ts";
import { probeHeader, routerFiles } from "../../../proxy/caddy/router-config.ts";
import type { HealthCheck, ReleaseDocument, SmokeCheck, SnapshotService } from "../../../release/types.ts";
import { requestOverSocket, type SocketAnswer } from "../../../socket-http.ts";
import { containerName } from "../layout.ts";
import { routerFolder } from "../routers.ts";
import { lastLines } from "./last-lines.ts";
import type { ComposeHost, ComposeRun } from "../run.ts";
import { probingGeneration } from "./generations.ts";

/** While a container has not answered yet it is asked more often than its interval says, so that being ready is noticed at once. */
const firstProbeIntervalMs = 50;

/**
 * Waits until every replica passed its health check the demanded number of times in a row, then runs the smoke tests against the first replica of each service.
 * Ends early when a container exits or restarts.
 * @throws ShiplockError `health/exited`, `health/restarting`, `health/not-healthy`, `smoke/failed`, with the container's last lines
 */
export async function awaitReady(
  host: ComposeHost,
  run: ComposeRun,
  replicas: readonly ReplicaRef[],
  document: ReleaseDocument,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(
    replicas.map((replica) => awaitHealthy(host, run, replica, serviceOf(document, replica.service), signal)),
  );
  const firsts = new Map<string, ReplicaRef>();
  for (const replica of replicas) if (!firsts.has(replica.service)) firsts.set(replica.service, replica);
  const checks = document.snapshot.smoke.filter((check) => firsts.has(check.service));
  await Promise.all(
    checks.map((check) => runSmoke(host, run, check, firsts.get(check.service) as ReplicaRef, document, signal)),
  );
}

/** One look at a replica's health: null if it passed, otherwise why not. */
export async function probeOnce(
  host: ComposeHost,
  replica: ReplicaRef,
  service: SnapshotService,
  container: Container,
  signal: AbortSignal,
): Promise<string | null> {
  const { probe, timeoutMs } = service.health;
  try {
    switch (probe.kind) {
      case "docker":
        return container.state.health === undefined
          ? "the image has no HEALTHCHECK"
          : container.state.health === "healthy"
            ? null
            : `Docker says ${container.state.health}`;
      case "command": {
        const result = await host.host.engine.exec(container.id, probe.command, { timeoutMs, signal });
        return result.exitCode === 0
          ? null
          : `\`${probe.command.join(" ")}\` ended with exit code ${result.exitCode}: ${lastLine(result.stderr || result.stdout)}`;
      }
      case "tcp":
        return await probeTcp(host, container, service, timeoutMs);
      case "http": {
        const answer = await ask(host, replica, service, container, probe.path, timeoutMs, signal);
        return statusFits(probe.status, answer.status) ? null : `GET ${probe.path} answered ${answer.status}`;
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error);
  }
}

async function awaitHealthy(
  host: ComposeHost,
  run: ComposeRun,
  replica: ReplicaRef,
  service: SnapshotService,
  signal: AbortSignal,
): Promise<void> {
  const name = containerName(host.layout.id, replica);
  const { health } = service;
  const end = run.clock.elapsed() + health.startPeriodMs;
  const look = async (): Promise<Container> => {
    const found = await host.host.engine.inspectContainer(name);
    if (found !== null) return found;
    throw await unhealthy("health/gone", `${name} on ${host.name} was removed while it started`, host, name);
  };
  let container = await look();
  const restarts = container.restartCount;
  let passes = 0;
  let reason = "it was never asked";
  while (passes < health.successes) {
    signal.throwIfAborted();
    await refuseDead(host, container, restarts);
    const [seen, failure] = await Promise.all([look(), probeOnce(host, replica, service, container, signal)]);
    container = seen;
    await refuseDead(host, container, restarts);
    passes = failure === null ? passes + 1 : 0;
    reason = failure ?? reason;
    if (passes >= health.successes) return;
    if (run.clock.elapsed() > end)
      throw await unhealthy(
        "health/not-healthy",
        `${name} on ${host.name} was not healthy within ${health.startPeriodMs / 1000} s: ${reason}`,
        host,
        name,
      );
    await run.clock.wait(passes > 0 ? health.intervalMs : Math.min(firstProbeIntervalMs, health.intervalMs), signal);
  }
}

async function refuseDead(host: ComposeHost, container: Container, restarts: number): Promise<void> {
  const { state } = container;
  if (container.restartCount > restarts) {
    throw await unhealthy(
      "health/restarting",
      `${container.name} on ${host.name} keeps restarting (exit code ${state.exitCode})`,
      host,
      container.id,
    );
  }
  if (state.status !== "exited" && state.status !== "dead") return;
  const memory = state.oomKilled ? " (out of memory)" : "";
  throw await unhealthy(
    "health/exited",
    `${container.name} on ${host.name} exited with code ${state.exitCode}${memory} right after its start`,
    host,
    container.id,
  );
}

async function unhealthy(code: string, message: string, host: ComposeHost, container: string): Promise<ShiplockError> {
  return new ShiplockError({
    code,
    message,
    remedy: "its last lines are shown with this; mend the release and deploy again",
    details: await lastLines(host, container),
  });
}

async function runSmoke(
  host: ComposeHost,
  run: ComposeRun,
  check: SmokeCheck,
  replica: ReplicaRef,
  document: ReleaseDocument,
  signal: AbortSignal,
): Promise<void> {
  const name = containerName(host.layout.id, replica);
  const container = await host.host.engine.inspectContainer(name);
  if (container === null)
    throw await unhealthy("health/gone", `${name} on ${host.name} was removed while it was tested`, host, name);
  const failure = await smokeFailure(host, check, replica, document, container, signal);
  if (failure !== null)
    throw await unhealthy("smoke/failed", `smoke test of ${check.service} on ${host.name}: ${failure}`, host, name);
}

async function smokeFailure(
  host: ComposeHost,
  check: SmokeCheck,
  replica: ReplicaRef,
  document: ReleaseDocument,
  container: Container,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    if (check.kind === "command") {
      const result = await host.host.engine.exec(container.id, check.command, { timeoutMs: check.timeoutMs, signal });
      return result.exitCode === 0
        ? null
        : `\`${check.command.join(" ")}\` ended with exit code ${result.exitCode}: ${lastLine(result.stderr || result.stdout)}`;
    }
    const answer = await ask(
      host,
      replica,
      serviceOf(document, check.service),
      container,
      check.path,
      check.timeoutMs,
      signal,
    );
    return answerFailure(check, answer);
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error);
  }
}

/** What is wrong with an answer; null if it is as demanded. */
export function answerFailure(check: Extract<SmokeCheck, { kind: "http" }>, answer: SocketAnswer): string | null {
  if (!statusFits(check.status, answer.status))
    return `GET ${check.path} answered ${answer.status}, not ${describeStatus(check.status)}`;
  if (check.body !== null && !answer.body.includes(check.body))
    return `the body of GET ${check.path} does not contain ${JSON.stringify(check.body)}`;
  for (const [name, value] of Object.entries(check.headers)) {
    const seen = answer.headers[name.toLowerCase()];
    if (seen !== value) return `GET ${check.path} answered the header ${name}: ${seen ?? "(none)"}, not ${value}`;
  }
  return jsonFailure(check, answer.body);
}

function jsonFailure(check: Extract<SmokeCheck, { kind: "http" }>, body: string): string | null {
  const wanted = Object.entries(check.json);
  if (wanted.length === 0) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return `the body of GET ${check.path} is not JSON`;
  }
  for (const [path, value] of wanted) {
    const seen = path
      .split(".")
      .reduce<unknown>(
        (node, key) => (typeof node === "object" && node !== null ? (node as Record<string, unknown>)[key] : undefined),
        parsed,
      );
    if (seen !== value)
      return `GET ${check.path}: ${path} is ${JSON.stringify(seen) ?? "missing"}, not ${JSON.stringify(value)}`;
  }
  return null;
}

/**
 * Asks one replica. In a slot the router's probe server asks, on the very way that traffic will take; in place the host's own
 * address of the container does.
 */
async function ask(
  host: ComposeHost,
  replica: ReplicaRef,
  service: SnapshotService,
  container: Container,
  path: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<SocketAnswer> {
  const name = containerName(host.layout.id, replica);
  if (replica.place === "direct") {
    const socketPath = await host.host.forwardTcp(addressOf(container), service.port ?? 0);
    return requestOverSocket({
      socketPath,
      path,
      headers: { host: `${service.name}:${service.port}` },
      timeoutMs,
      signal,
    });
  }
  const router = routerFolder(host.layout, await probingGeneration(host));
  const socketPath = await host.host.forwardSocket(`${router}/${routerFiles.probe}`);
  const answer = await requestOverSocket({
    socketPath,
    // The router asks the replica on a connection of its own in any case.
    keepConnection: true,
    path,
    headers: { host: `${service.name}:${service.port}`, [probeHeader]: `${name}:${service.port}` },
    timeoutMs,
    signal,
  });
  if (answer.status === 502 && answer.headers["server"] === "Caddy" && answer.body === "")
    throw new ShiplockError({
      code: "health/refused",
      message: `${name} does not accept connections on port ${service.port}`,
    });
  return answer;
}

function addressOf(container: Container): string {
  const address = Object.values(container.networks).find((network) => network.ipAddress !== "")?.ipAddress;
  if (address === undefined)
    throw new ShiplockError({ code: "health/no-address", message: `${container.name} has no address on any network` });
  return address;
}

async function probeTcp(
  host: ComposeHost,
  container: Container,
  service: SnapshotService,
  timeoutMs: number,
): Promise<string | null> {
  const socketPath = await host.host.forwardTcp(addressOf(container), service.port ?? 0);
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const settle = (answer: string | null): void => {
      clearTimeout(open);
      socket.destroy();
      resolve(answer);
    };
    // A forwarded connection is accepted here first and closed when the far end refuses: one that stays open is a pass.
    const open = setTimeout(() => settle(null), Math.min(150, timeoutMs));
    socket.on("data", () => settle(null));
    socket.on("close", () => settle(`port ${service.port} does not accept connections`));
    socket.on("error", (error) => settle(error.message));
  });
}

export function serviceOf(document: ReleaseDocument, name: string): SnapshotService {
  const service = document.snapshot.services.find((candidate) => candidate.name === name);
  if (service === undefined)
    throw new ShiplockError({
      code: "release/no-service",
      blame: "bug",
      message: `${document.name} has no service "${name}"`,
    });
  return service;
}

function statusFits(wanted: "2xx" | readonly number[], status: number): boolean {
  return wanted === "2xx" ? status >= 200 && status < 300 : wanted.includes(status);
}

function describeStatus(wanted: "2xx" | readonly number[]): string {
  return wanted === "2xx" ? "2xx" : wanted.join(" or ");
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

/** For a person: how a health check asks. */
export function describeHealth(health: HealthCheck): string {
  switch (health.probe.kind) {
    case "http":
      return `GET ${health.probe.path}`;
    case "tcp":
      return "TCP";
    case "docker":
      return "the image's HEALTHCHECK";
    case "command":
      return health.probe.command.join(" ");
  }
}
