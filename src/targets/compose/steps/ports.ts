import type { ContainerSummary } from "../../../hosts/engine.ts";
import { portAdmin } from "../../../proxy/caddy/port-config.ts";
import { label } from "../layout.ts";
import { type PortDesign, portOf } from "../routers.ts";
import { ownContainers } from "../own-containers.ts";
import type { ComposeHost, ComposeRun } from "../run.ts";
import { specsOf } from "./containers.ts";
import { runProxyContainer } from "./proxy-containers.ts";

/**
 * Sees to it that every published port of the release has its holder. One that runs is left alone, whatever it was made from; so is a port that the old release
 * binds to another address: two cannot have it, and the old release's holder stays until `settlePorts`.
 * @returns how many were started
 */
export async function ensurePorts(
  host: ComposeHost,
  run: ComposeRun,
  designs: readonly PortDesign[],
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  if (designs.length === 0) return 0;
  const holders = await ownContainers(host, run.plan, "port");
  const running = holders.filter(({ status }) => status === "running");
  const wanted = new Set(designs.map(({ service }) => service));
  const others = running.map(serviceOf).filter((service) => !wanted.has(service));
  const missing = designs
    .filter(({ hostPort }) => !others.some((service) => portOf(service) === hostPort))
    .flatMap((design) => specsOf(host, design.service).map((spec) => ({ design, spec })))
    .filter(({ spec }) => !running.some(({ name }) => name === spec.name));
  await host.host.files.mkdirs(host.layout.ports, 0o755);
  await Promise.all(
    missing.map(async ({ design, spec }) => {
      await host.host.files.write(`${host.layout.ports}/${design.key}.json`, design.config);
      await runProxyContainer(host, run, spec, `${host.layout.ports}/${portAdmin(design.key)}`, log, signal);
    }),
  );
  return missing.length;
}

function serviceOf(holder: ContainerSummary): string {
  return holder.labels["com.docker.compose.service"] ?? "";
}

/** Takes away the holders of ports that the release does not publish; its own ones that were made from another definition are made anew. */
export async function settlePorts(
  host: ComposeHost,
  run: ComposeRun,
  designs: readonly PortDesign[],
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  const holders = await ownContainers(host, run.plan, "port");
  const wanted = new Map(
    designs.flatMap((design) => specsOf(host, design.service).map((spec) => [spec.name, spec.configHash] as const)),
  );
  const gone = holders.filter((holder) => wanted.get(holder.name) !== holder.labels["com.docker.compose.config-hash"]);
  await removeHolders(host, gone);
  return gone.length + (await ensurePorts(host, run, designs, log, signal));
}

/** Takes away the holders that this deployment made. */
export async function releasePorts(host: ComposeHost, run: ComposeRun): Promise<number> {
  const holders = await ownContainers(host, run.plan, "port");
  const made = holders.filter((holder) => holder.labels[label.deployment] === run.plan.deployment);
  await removeHolders(host, made);
  return made.length;
}

async function removeHolders(host: ComposeHost, holders: readonly ContainerSummary[]): Promise<void> {
  await Promise.all(
    holders.map(async (holder) => {
      if (holder.status === "running") await host.host.engine.stopContainer(holder.id, { graceSeconds: 35 });
      await host.host.engine.removeContainer(holder.id, { force: true, volumes: false });
    }),
  );
}
