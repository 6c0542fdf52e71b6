import type { ReplicaRef } from "../../../deploy/types.ts";
import { messageOf, ShiplockError } from "../../../errors.ts";
import type { Container } from "../../../hosts/engine.ts";
import type { ReleaseDocument, SmokeCheck, SnapshotService } from "../../../release/types.ts";
import type { SocketAnswer } from "../../../socket-http.ts";
import { containerName } from "../layout.ts";
import { lastLines } from "./last-lines.ts";
import type { ComposeHost, ComposeRun } from "../run.ts";
import { ask, commandFailed, probeOnce, serviceOf, statusFits } from "./probe.ts";

/** While a container has not answered yet it is asked more often than its interval says, so that being ready is noticed at once. */
const firstProbeIntervalMs = 50;
/** How long the end of a container that restarts is waited for, only to tell its exit code. */
const exitCodeWaitMs = 3_000;

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
    await refuseDead(host, run, container, restarts, signal);
    const [seen, failure] = await Promise.all([look(), probeOnce(host, run, replica, service, container, signal)]);
    container = seen;
    await refuseDead(host, run, container, restarts, signal);
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

async function refuseDead(
  host: ComposeHost,
  run: ComposeRun,
  container: Container,
  restarts: number,
  signal: AbortSignal,
): Promise<void> {
  const { state } = container;
  if (container.restartCount > restarts) {
    const code = await exitCodeOf(host, run, container, signal);
    throw await unhealthy(
      "health/restarting",
      `${container.name} on ${host.name} keeps restarting${code === null ? "" : ` (exit code ${code})`}`,
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

/** How a container that restarts ends; null where it goes on running meanwhile: the engine forgets with each start how the run before it ended. */
async function exitCodeOf(
  host: ComposeHost,
  run: ComposeRun,
  container: Container,
  signal: AbortSignal,
): Promise<number | null> {
  const end = run.clock.elapsed() + exitCodeWaitMs;
  let seen: Container | null = container;
  while (seen !== null && seen.state.status === "running") {
    if (run.clock.elapsed() > end) return null;
    await run.clock.wait(firstProbeIntervalMs, signal);
    seen = await host.host.engine.inspectContainer(container.id);
  }
  return seen?.state.exitCode ?? null;
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
  const failure = await smokeFailure(host, run, check, replica, document, container, signal);
  if (failure !== null)
    throw await unhealthy("smoke/failed", `smoke test of ${check.service} on ${host.name}: ${failure}`, host, name);
}

async function smokeFailure(
  host: ComposeHost,
  run: ComposeRun,
  check: SmokeCheck,
  replica: ReplicaRef,
  document: ReleaseDocument,
  container: Container,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    if (check.kind === "command") {
      const result = await host.host.engine.exec(container.id, check.command, { timeoutMs: check.timeoutMs, signal });
      return result.exitCode === 0 ? null : commandFailed(check.command, result, run.mask);
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
function answerFailure(check: Extract<SmokeCheck, { kind: "http" }>, answer: SocketAnswer): string | null {
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

function describeStatus(wanted: "2xx" | readonly number[]): string {
  return wanted === "2xx" ? "2xx" : wanted.join(" or ");
}
