import { counted } from "../../../counted.ts";
import type { Clock } from "../../../clock.ts";
import type { ReplicaRef } from "../../../deploy/types.ts";
import { replicasOf } from "../../../deploy/strategies/types.ts";
import { messageOf, ShiplockError } from "../../../errors.ts";
import type { EdgeCertificates } from "../../../proxy/caddy/edge-config.ts";
import { sameAssignment } from "../../../proxy/caddy/traffic.ts";
import { requestOverSocket, type SocketAnswer } from "../../../socket-http.ts";
import { containerName, label } from "../layout.ts";
import { ownContainers } from "../own-containers.ts";
import type { ComposeHost, ComposeRun } from "../run.ts";
import { strategyServices } from "../../../deploy/strategies/services.ts";
import { imageOf, isRecorded } from "./images.ts";
import { edgeName } from "./edge.ts";
import { lastLines } from "./last-lines.ts";
import { probeOnce, serviceOf } from "./probe.ts";

const bakeIntervalMs = 1_000;
const publicTimeoutMs = 10_000;
/** An authority asks back before it signs. */
const certificateTimeoutMs = 45_000;
/** A handshake that is refused at once may be Caddy 2.6's own limit, which counts requests of the same instant. */
const handshakeTries = 4;
const handshakeRetryMs = 500;

/**
 * Observes that the release runs: on every host the right number of containers, of the recorded digests, healthy, not restarting, with all traffic on them, for the whole
 * bake time; then that the public addresses answer. It believes nothing it did not see.
 * @throws ShiplockError `verify/…`
 */
export async function verifyRelease(run: ComposeRun, bakeMs: number, signal: AbortSignal): Promise<string> {
  const hosts = [...run.hosts.values()];
  const restarts = new Map<string, number>();
  const end = run.clock.elapsed() + bakeMs;
  for (let left = bakeMs; left > 0; left = end - run.clock.elapsed()) {
    await Promise.all(hosts.map((host) => observeHost(host, run, restarts, signal)));
    await run.clock.wait(Math.min(bakeIntervalMs, left), signal);
  }
  // At the end everything at once; what is wrong with a container explains what is wrong with an address, so it is told first.
  const [containersLooked, addressesLooked] = await Promise.allSettled([
    Promise.all(hosts.map((host) => observeHost(host, run, restarts, signal))),
    Promise.all([...hosts.map((host) => observePublic(host, run, signal)), observeUrl(run, signal).then(() => 0)]),
  ]);
  if (containersLooked.status === "rejected") throw containersLooked.reason;
  if (addressesLooked.status === "rejected") throw addressesLooked.reason;
  const addresses = addressesLooked.value.reduce((sum, count) => sum + count, 0);
  const containers = [...restarts.keys()].length;
  return `${counted(containers, "container runs", "containers run")} the recorded digests, healthy${bakeMs === 0 ? "" : ` for ${bakeMs / 1000} s`}; ${counted(addresses, "public address answers", "public addresses answer")}`;
}

async function observeHost(
  host: ComposeHost,
  run: ComposeRun,
  restarts: Map<string, number>,
  signal: AbortSignal,
): Promise<void> {
  const { document, plan } = run;
  const wanted = replicasOf(plan.place, strategyServices(document.snapshot));
  const [summaries, current] = await Promise.all([
    ownContainers(host, plan, "app", "running"),
    plan.place === "direct" ? {} : host.traffic.current(),
    ...wanted.map((replica) => observeReplica(host, run, replica, restarts, signal)),
  ]);
  const inPlace = summaries.filter((container) => container.labels[label.place] === plan.place);
  if (inPlace.length !== wanted.length)
    throw notVerified(
      "verify/count",
      `${host.name} runs ${inPlace.length} containers of the release, not ${wanted.length}`,
    );
  if (plan.place === "direct") return;
  const final = plan.steps.findLast((step) => step.host === host.name && step.action.kind === "shift")?.action;
  if (final?.kind === "shift" && !sameAssignment(current, final.after))
    throw notVerified("verify/traffic", `traffic on ${host.name} is not where the plan put it`);
}

async function observeReplica(
  host: ComposeHost,
  run: ComposeRun,
  replica: ReplicaRef,
  restarts: Map<string, number>,
  signal: AbortSignal,
): Promise<void> {
  const name = containerName(host.layout.id, replica);
  const container = await host.host.engine.inspectContainer(name);
  if (container === null || !container.state.running)
    throw notVerified("verify/not-running", `${name} does not run on ${host.name}`, await lastLines(host, name));
  const service = serviceOf(run.document, replica.service);
  const image = imageOf(run.document, service.image);
  if (!isRecorded(image, container.imageId) && !isRecorded(image, container.manifestDigest ?? "")) {
    throw notVerified(
      "verify/digest",
      `${name} on ${host.name} runs ${container.imageId}, which is no digest of ${run.document.release.id}`,
    );
  }
  if (container.labels[label.release] !== run.document.release.id)
    throw notVerified(
      "verify/label",
      `${name} on ${host.name} is labelled ${container.labels[label.release] ?? "(nothing)"}`,
    );
  const key = `${host.name}/${name}`;
  const before = restarts.get(key) ?? container.restartCount;
  restarts.set(key, before);
  if (container.restartCount > before)
    throw notVerified(
      "verify/restarted",
      `${name} on ${host.name} restarted while it was watched`,
      await lastLines(host, name),
    );
  const failure = await probeOnce(host, run, replica, service, container, signal);
  if (failure !== null)
    throw notVerified(
      "verify/unhealthy",
      `${name} on ${host.name} is not healthy any more: ${failure}`,
      await lastLines(host, name),
    );
}

/** Asks every public host name at this host's own edge, as a user's request would come in: over HTTPS where the edge has certificates. */
async function observePublic(host: ComposeHost, run: ComposeRun, signal: AbortSignal): Promise<number> {
  if (run.plan.place === "direct") return 0;
  const routes = run.document.snapshot.services.flatMap((service) => service.routes);
  if (routes.length === 0) return 0;
  const { http, https, tls } = run.settings.proxy;
  const socketPath = await host.host.forwardTcp("127.0.0.1", tls === "off" ? http : https);
  if (tls === "off") {
    await Promise.all(routes.map((route) => observeRoute(host, route, () => askRoute(route, socketPath, signal))));
    return routes.length;
  }
  // One after another: Caddy 2.6 refuses a new name that is asked for at the very moment of another.
  for (const route of routes)
    await observeRoute(host, route, () => askSecurely(host, { route, socketPath, tls }, run.clock, signal));
  return routes.length;
}

type Route = { host: string; path: string };

async function observeRoute(host: ComposeHost, route: Route, ask: () => Promise<SocketAnswer>): Promise<void> {
  const { status, body } = await ask();
  // A 404 may be the application's own answer; the proxy's own says that nobody is asked there.
  if (status < 500 && !(status === 404 && body.startsWith("shiplock: "))) return;
  throw notVerified("verify/public", `${route.host}${route.path} answers ${status} on ${host.name}`);
}

function askRoute(route: Route, socketPath: string, signal: AbortSignal): Promise<SocketAnswer> {
  const headers = { host: route.host };
  return requestOverSocket({ socketPath, path: route.path, headers, timeoutMs: publicTimeoutMs, signal });
}

/** The first request for a name is what makes the edge fetch its certificate, and it waits for that. */
async function askSecurely(
  host: ComposeHost,
  asked: { route: Route; socketPath: string; tls: EdgeCertificates },
  clock: Clock,
  signal: AbortSignal,
): Promise<SocketAnswer> {
  const { route, socketPath, tls } = asked;
  const { host: name, path } = route;
  const end = clock.elapsed() + certificateTimeoutMs;
  for (let triesLeft = handshakeTries - 1; ; triesLeft -= 1) {
    try {
      const request = { socketPath, path, headers: { host: name }, tlsName: name };
      return await requestOverSocket({ ...request, timeoutMs: Math.max(1, end - clock.elapsed()), signal });
    } catch (error) {
      signal.throwIfAborted();
      if (triesLeft > 0 && end - clock.elapsed() > handshakeRetryMs) {
        await clock.wait(handshakeRetryMs, signal);
        continue;
      }
      throw notVerified(
        "verify/certificate",
        `https://${name}${path} does not answer on ${host.name}: ${messageOf(error)}`,
        await lastLines(host, edgeName),
        tls.issuer === "acme" ? acmeRemedy : edgeRemedy,
      );
    }
  }
}

const edgeRemedy =
  "an edge keeps what it was set up with (`shiplock doctor` compares); its last lines are shown with this. The old release serves again";
const acmeRemedy = `let the name lead to this host and its ports for HTTP and HTTPS be reached from outside, wait three minutes, as long as the edge goes on with an attempt, and deploy again; ${edgeRemedy}`;

async function observeUrl(run: ComposeRun, signal: AbortSignal): Promise<void> {
  const urls = run.settings.verifyUrl === null ? run.document.snapshot.publicUrls : [run.settings.verifyUrl];
  for (const url of urls) {
    const answer = await run.fetchPublic(url, AbortSignal.any([signal, AbortSignal.timeout(publicTimeoutMs)]));
    if (typeof answer === "number" && answer < 500) continue;
    throw notVerified(
      "verify/public",
      `${url} ${typeof answer === "number" ? `answers ${answer}` : `does not answer (${answer.failure})`} from the machine that deploys`,
    );
  }
}

function notVerified(
  code: string,
  message: string,
  details: readonly string[] = [],
  remedy = "the old release serves again; mend what is said here and deploy again",
): ShiplockError {
  return new ShiplockError({ code, message, details, remedy });
}
