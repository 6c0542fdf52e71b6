import type { PlanHost } from "../../deploy/plan.ts";
import type { ContainerSummary } from "../../hosts/engine.ts";
import type { SurveyRequest } from "../types.ts";
import { label } from "./layout.ts";
import type { ComposeHost } from "./run.ts";
import { edgeName } from "./steps/edge.ts";
import { currentGeneration, settledGeneration } from "./steps/generations.ts";
import { ownContainers } from "./own-containers.ts";
import type { Translation } from "./translate.ts";

/** What a host's proxies are, against what the release wants of them. */
export type ProxySurvey = {
  edgeRuns: boolean;
  /** Whether a router has the traffic of this environment, and whether it is the one that is wanted while both releases are there. */
  router: "none" | "other" | "wanted";
  /** Whether that one is also what the new release wants alone, and what going back would go back to. */
  settled: boolean;
  /** Host ports that the environment's own holders have. */
  heldPorts: ReadonlySet<number>;
  /** Whether every published port has its holder, and whether there are no others. */
  ports: { complete: boolean; settled: boolean };
};

/** Looks at edge, routers and ports of an environment on one host; null for a release in place. */
export async function surveyProxy(
  host: Omit<ComposeHost, "translation">,
  request: SurveyRequest,
  translating: Promise<Translation>,
): Promise<ProxySurvey | null> {
  const { engine } = host.host;
  const whose = { project: request.document.release.project, environment: request.document.snapshot.environment };
  const holding = ownContainers(host, whose, "port");
  const [edge, routers, current, settled, holders, held] = await Promise.all([
    engine.inspectContainer(edgeName),
    ownContainers(host, whose, "router", "running"),
    currentGeneration(host),
    settledGeneration(host),
    holding,
    holding.then((found) => Promise.all(found.filter(isRunning).map((holder) => engine.inspectContainer(holder.id)))),
  ]);
  const translation = await translating;
  if (translation.proxies === null) return null;
  const { both, after, ports } = translation.proxies;
  const running = holders.filter(isRunning);
  const wanted = new Map(
    translation.containers
      .filter((spec) => ports.some((port) => port.service === spec.service))
      .map((spec) => [spec.name, spec.configHash]),
  );
  const serving = current !== null && routers.some((router) => router.labels[label.generation] === current);
  const isWanted = serving && current === both.generation;
  return {
    edgeRuns: edge?.state.running === true,
    router: isWanted ? "wanted" : serving ? "other" : "none",
    settled: isWanted && settled === both.generation && both.generation === after.generation,
    heldPorts: new Set(held.flatMap((holder) => holder?.ports.map((port) => port.hostPort) ?? [])),
    ports: {
      complete: [...wanted.keys()].every((name) => running.some((holder) => holder.name === name)),
      settled: holders.every((holder) => wanted.get(holder.name) === holder.labels["com.docker.compose.config-hash"]),
    },
  };
}

function isRunning(container: ContainerSummary): boolean {
  return container.status === "running";
}

/** What a plan has to know of a host's proxies: whether they need work before the first container, and whether they do after the commit point. */
export function proxyState(
  proxy: ProxySurvey | null,
  claimed: ReadonlyMap<string, string>,
  id: string,
  names: readonly string[],
): Pick<PlanHost, "proxy" | "settleProxy"> {
  if (proxy === null) return { proxy: "ready", settleProxy: false };
  const hasNames = names.every((name) => claimed.has(name));
  const hasOthers = [...claimed].some(([name, owner]) => owner === id && !names.includes(name));
  const isReady = proxy.edgeRuns && proxy.router === "wanted" && proxy.ports.complete && hasNames;
  return {
    proxy: isReady ? "ready" : proxy.router === "other" ? "replace" : "set-up",
    settleProxy: !isReady || !proxy.settled || !proxy.ports.settled || hasOthers,
  };
}
