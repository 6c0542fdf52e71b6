import type { ContainerSummary } from "../../../hosts/engine.ts";
import type { Host } from "../../../hosts/types.ts";
import { messageOf, ShiplockError } from "../../../errors.ts";
import { routerFiles } from "../../../proxy/caddy/router-config.ts";
import { bothRouterService, label, type Layout, routerService } from "../layout.ts";
import { type RouterDesign, routerFolder, routerName } from "../routers.ts";
import { ownContainers } from "../own-containers.ts";
import type { ComposeHost, ComposeRun } from "../run.ts";
import type { ContainerSpec } from "../translate.ts";
import { specsOf } from "./containers.ts";
import { currentGeneration, makeCurrent, settledGeneration } from "./generations.ts";
import { readUpstreams, runProxyContainer, startProxyContainer } from "./proxy-containers.ts";
import { idleCount } from "./traffic.ts";

/** How long a router that leaves goes on answering at least, so that callers who keep a connection busy are told to open another. */
const lingerMs = 1_000;
/** As long as the router itself lets requests finish, and a little more. */
const graceSeconds = 35;

/** Path of a router's admin socket on the host. */
export function routerAdmin(layout: Layout, generation: string): string {
  return `${routerFolder(layout, generation)}/${routerFiles.admin}`;
}

/**
 * Makes a router the current one, starting it beside the one before where that is another; the one before goes on answering what reaches it.
 * @returns whether anything had to be done
 */
export async function ensureRouter(
  host: ComposeHost,
  run: ComposeRun,
  design: RouterDesign,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { engine, files } = host.host;
  const [container, current] = await Promise.all([engine.inspectContainer(design.name), currentGeneration(host)]);
  if (container?.state.running === true && current === design.generation) return false;
  const folder = routerFolder(host.layout, design.generation);
  for (const path of [folder, `${host.layout.front}/${design.generation}`, `${host.layout.proxy}/sets`])
    await files.mkdirs(path, 0o755);
  await files.mkdirs(`${host.layout.proxy}/tables`, 0o755);
  await files.remove(`${folder}/${routerFiles.leaving}`);
  await files.write(`${folder}/${routerFiles.config}`, design.config);
  await runProxyContainer(host, run, specOf(host, design), routerAdmin(host.layout, design.generation), log, signal);
  await makeCurrent(host, design.generation);
  return true;
}

/**
 * Gives the traffic back to the router that had it before the deployment. Where there was none, or somebody removed it, the new one stays: it answers for both.
 * @returns whether anything had to be done
 */
export async function restoreRouter(
  host: ComposeHost,
  run: ComposeRun,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const [settled, current] = await Promise.all([settledGeneration(host), currentGeneration(host)]);
  if (settled === null || current === settled) return (await dismissRouters(host, run, log, signal)) > 0;
  const name = routerName(host.layout, settled);
  const container = await host.host.engine.inspectContainer(name);
  if (container === null) {
    log(`${name}, which had the traffic before, is gone; the router that took over from it keeps it`);
    return (await dismissRouters(host, run, log, signal)) > 0;
  }
  await host.host.files.remove(`${routerFolder(host.layout, settled)}/${routerFiles.leaving}`);
  await startProxyContainer(host, run, container.id, name, routerAdmin(host.layout, settled), signal);
  await makeCurrent(host, settled);
  await dismissRouters(host, run, log, signal);
  return true;
}

/** Lets every router but the current one finish what it is answering, and removes it. */
export async function dismissRouters(
  host: ComposeHost,
  run: ComposeRun,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const [routers, current] = await Promise.all([ownContainers(host, run.plan, "router"), currentGeneration(host)]);
  // Without a current one nobody can say which of them has the traffic.
  const leaving = current === null ? [] : routers.filter(({ labels }) => labels[label.generation] !== current);
  await Promise.all(leaving.map((router) => dismiss(host, run, router, log, signal)));
  return leaving.length;
}

async function dismiss(
  host: ComposeHost,
  run: ComposeRun,
  router: ContainerSummary,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const generation = router.labels[label.generation] ?? "";
  const folder = routerFolder(host.layout, generation);
  if (router.status === "running") {
    await host.host.files.write(`${folder}/${routerFiles.leaving}`, "");
    try {
      await idleCount(run.clock, { atLeastMs: lingerMs, deadlineMs: longestDrainMs(run), signal }, () =>
        inFlightAt(host.host, routerAdmin(host.layout, generation)),
      );
    } catch (error) {
      signal.throwIfAborted();
      log(`cannot see what ${router.name} is answering (${messageOf(error)}); stopping it by signal`);
    }
    await host.host.engine.stopContainer(router.id, { graceSeconds });
  }
  // The container last: it is what tells that something is left to remove.
  await host.host.files.removeTree(folder);
  await host.host.files.removeTree(`${host.layout.front}/${generation}`);
  await host.host.engine.removeContainer(router.id, { force: true, volumes: false });
}

async function inFlightAt(host: Host, admin: string): Promise<number> {
  return (await readUpstreams(host, admin)).reduce((sum, upstream) => sum + upstream.num_requests, 0);
}

function longestDrainMs(run: ComposeRun): number {
  const services = [...run.document.snapshot.services, ...(run.previous?.snapshot.services ?? [])];
  return Math.max(lingerMs, ...services.filter((service) => service.port !== null).map((service) => service.drainMs));
}

function specOf(host: ComposeHost, design: RouterDesign): ContainerSpec {
  const spec = [...specsOf(host, routerService), ...specsOf(host, bothRouterService)].find(
    (candidate) => candidate.name === design.name,
  );
  if (spec === undefined)
    throw new ShiplockError({
      code: "compose/no-spec",
      blame: "bug",
      message: `Compose did not ask for the router ${design.name}`,
    });
  return spec;
}
