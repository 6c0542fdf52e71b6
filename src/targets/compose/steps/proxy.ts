import { ShiplockError } from "../../../errors.ts";
import type { ComposeHost, ComposeRun } from "../run.ts";
import type { Proxies } from "../translate.ts";
import { claimHostNames, ensureEdge, hostNames, releaseHostNames } from "./edge.ts";
import { settleGeneration } from "./generations.ts";
import { ensureNetworksAndVolumes } from "./infrastructure.ts";
import { ensurePorts, releasePorts, settlePorts } from "./ports.ts";
import { ensureRouter, restoreRouter } from "./routers.ts";

/**
 * Brings a host's proxy to where both releases are answered: the edge runs, a router that knows both is the current one, ports and host names are held. What is
 * right already is left alone.
 * @returns what had to be done, each a few words
 */
export async function setUpProxy(
  host: ComposeHost,
  run: ComposeRun,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<string[]> {
  const { both, ports } = proxiesOf(host);
  const done: string[] = [];
  if (await ensureEdge(host, run, log, signal)) done.push("edge set up");
  await ensureNetworksAndVolumes(host);
  if (await ensureRouter(host, run, both, log, signal)) done.push("router set up");
  if ((await ensurePorts(host, run, ports, log, signal)) > 0) done.push("ports opened");
  if (await claimHostNames(host, hostNames(run.document.snapshot.services))) done.push("host names claimed");
  return done;
}

/** After the commit point: the new release's names, routes and ports are the ones there are. Routers that lost the traffic leave when the old release has. */
export async function settleProxy(
  host: ComposeHost,
  run: ComposeRun,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<string[]> {
  const { after, ports } = proxiesOf(host);
  const wanted = hostNames(run.document.snapshot.services);
  const done: string[] = [];
  if (await ensureRouter(host, run, after, log, signal)) done.push("routes updated");
  await settleGeneration(host, after.generation);
  if ((await settlePorts(host, run, ports, log, signal)) > 0) done.push("ports updated");
  const claimed = await claimHostNames(host, wanted);
  if ((await releaseHostNames(host, wanted)) || claimed) done.push("host names updated");
  return done;
}

/** Brings back router, ports and host names of the release that serves. */
export async function restoreProxy(
  host: ComposeHost,
  run: ComposeRun,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const proxied = run.previous !== null && run.plan.fromPlace !== "direct";
  const names = await releaseHostNames(host, proxied ? hostNames(run.previous?.snapshot.services ?? []) : []);
  const ports = await releasePorts(host, run);
  const router = proxied && (await restoreRouter(host, run, log, signal));
  return names || ports > 0 || router;
}

function proxiesOf(host: ComposeHost): Proxies {
  const { proxies } = host.translation;
  if (proxies !== null) return proxies;
  throw new ShiplockError({
    code: "proxy/in-place",
    blame: "bug",
    message: "a release in place has no proxy to set up",
  });
}
