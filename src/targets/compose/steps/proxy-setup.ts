import { stringify } from "yaml";
import { waitFor } from "../../../clock.ts";
import { messageOf, ShiplockError } from "../../../errors.ts";
import type { Host } from "../../../hosts/types.ts";
import { asObject, asText, type JsonObject } from "../../../json.ts";
import { edgeConfig, edgePaths } from "../../../proxy/caddy/edge-config.ts";
import { requestOverSocket } from "../../../socket-http.ts";
import { label, type Layout, routerService } from "../layout.ts";
import { bothReleases, routerConfigText, routerServices } from "../place.ts";
import type { ComposeHost, ComposeRun, ComposeSettings } from "../run.ts";
import { createFromPublicImage, ensureNetworksAndVolumes } from "./infrastructure.ts";
import { finishContainer, specsOf } from "./containers.ts";
import { lastLines } from "./readiness.ts";

const proxyReadyMs = 20_000;
const adminTimeoutMs = 20_000;

/** The text of the router's configuration for a deployment: with both releases before its commit point, with the new one alone after it. */
export function wantedRouterConfig(
  host: { layout: Layout },
  run: Pick<ComposeRun, "document" | "previous" | "plan">,
  final: boolean,
): string {
  const after = routerServices(run.document.snapshot);
  const before =
    final || run.previous === null || run.plan.fromPlace === "direct" ? [] : routerServices(run.previous.snapshot);
  return routerConfigText(before.length === 0 ? after : bothReleases(before, after), host.layout);
}

/**
 * Brings a host's proxy to where the deployment needs it: edge and router run, the router has its routes and the edge its host names. What is right already is
 * left alone; a router whose routes differ reloads.
 */
export async function setUpProxy(
  host: ComposeHost,
  run: ComposeRun,
  final: boolean,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<string[]> {
  const done: string[] = [];
  if (!final) {
    if (await ensureEdge(host, run, log, signal)) done.push("edge set up");
    await ensureNetworksAndVolumes(host);
  }
  const text = wantedRouterConfig(host, run, final);
  if (await ensureRouter(host, run, text, log, signal)) done.push(final ? "routes updated" : "router set up");
  if (await claimHostNames(host, run, final)) done.push("host names claimed");
  return done;
}

/**
 * Brings back the routes and host names of the release that serves, and nothing else: the router stays, as does what it was set up with. Loading what it runs with
 * already reloads nothing.
 */
export async function restoreRoutes(host: ComposeHost, run: ComposeRun): Promise<boolean> {
  const proxied = run.previous !== null && run.plan.fromPlace !== "direct";
  const released = await releaseHostNames(host, proxied ? hostNames(run.previous?.snapshot.services ?? []) : []);
  if (!proxied || run.previous === null) return released;
  const path = `${host.layout.proxy}/caddy.json`;
  if ((await host.host.files.stat(path)) === null) return released;
  const text = routerConfigText(routerServices(run.previous.snapshot), host.layout);
  await loadConfig(host.host, `${host.layout.proxy}/run/admin.sock`, text);
  await host.host.files.write(path, text);
  return true;
}

async function ensureRouter(
  host: ComposeHost,
  run: ComposeRun,
  text: string,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { engine, files } = host.host;
  const [spec] = specsOf(host, routerService);
  if (spec === undefined)
    throw new ShiplockError({ code: "compose/no-spec", blame: "bug", message: "the final compose file has no router" });
  const path = `${host.layout.proxy}/caddy.json`;
  const before = await files.read(path);
  const same = before !== null && new TextDecoder().decode(before) === text;
  const container = await engine.inspectContainer(spec.name);
  const fits = container?.labels["com.docker.compose.config-hash"] === spec.configHash;
  if (container?.state.running === true && fits && same) return false;
  await makeProxyFolders(host);
  // Loaded before it is written: the file says what the router runs with, so whoever dies in between leaves it to be loaded again.
  const running = container?.state.running === true && fits;
  if (running) await loadConfig(host.host, `${host.layout.proxy}/run/admin.sock`, text);
  await files.write(path, text);
  if (running) return true;
  if (container !== null && !fits) {
    log("the router's names or ports changed: it is replaced, which takes about a second without answers");
    if (container.state.running) await engine.stopContainer(container.id, { graceSeconds: 35 });
    await engine.removeContainer(container.id, { force: true, volumes: false });
  }
  if (container?.state.status === "created" && fits) await finishContainer(host, container.id, spec);
  const id = container !== null && fits ? container.id : await createFromPublicImage(host, run, spec, log);
  await startProxyContainer(host, run, id, spec.name, `${host.layout.proxy}/run/admin.sock`, signal);
  return true;
}

async function makeProxyFolders(host: ComposeHost): Promise<void> {
  for (const folder of [
    `${host.layout.proxy}/run`,
    `${host.layout.proxy}/sets`,
    `${host.layout.proxy}/tables`,
    host.layout.front,
  ]) {
    await host.host.files.mkdirs(folder, 0o755);
  }
}

/** The host's edge: one for all projects, never changed by a deployment. */
async function ensureEdge(
  host: ComposeHost,
  run: ComposeRun,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { engine, files } = host.host;
  const name = edgeName;
  const existing = await engine.inspectContainer(name);
  if (existing?.state.running === true) return false;
  const folder = host.layout.edge;
  for (const child of ["routes", "fronts", "run", "certificates"]) await files.mkdirs(`${folder}/${child}`, 0o755);
  await files.write(`${folder}/caddy.json`, JSON.stringify(edgeConfig(run.settings.proxy.tls)));
  await files.write(`${folder}/compose.yaml`, edgeComposeText(host, run.settings));
  const id = existing?.id ?? (await createEdge(host, run, log));
  await startProxyContainer(host, run, id, name, `${folder}/run/admin.sock`, signal);
  return true;
}

export const edgeName = "shiplock-edge";

async function createEdge(host: ComposeHost, run: ComposeRun, log: (line: string) => void): Promise<string> {
  const { settings } = run;
  const ports: JsonObject = { [`${edgePaths.http}/tcp`]: [{ HostPort: String(settings.proxy.http) }] };
  if (settings.proxy.tls !== "off") ports[`${edgePaths.https}/tcp`] = [{ HostPort: String(settings.proxy.https) }];
  const body: JsonObject = {
    Image: settings.proxyImage,
    User: `${host.host.facts.uid}:${host.host.facts.gid}`,
    Cmd: ["caddy", "run", "--config", `${edgePaths.folder}/caddy.json`],
    Env: ["XDG_CONFIG_HOME=/tmp/config", "XDG_DATA_HOME=/tmp/data", "HOME=/tmp"],
    ExposedPorts: Object.fromEntries(Object.keys(ports).map((port) => [port, {}])),
    Labels: {
      [label.kind]: "edge",
      "com.docker.compose.project": edgeName,
      "com.docker.compose.service": "edge",
      "com.docker.compose.project.working_dir": host.layout.edge,
      "com.docker.compose.container-number": "1",
      "com.docker.compose.oneoff": "False",
    },
    HostConfig: {
      Binds: [`${host.layout.edge}:${edgePaths.folder}`],
      PortBindings: ports,
      RestartPolicy: { Name: "unless-stopped" },
      ReadonlyRootfs: true,
      Tmpfs: { "/tmp": "mode=1777" },
      CapDrop: ["ALL"],
      CapAdd: ["NET_BIND_SERVICE"],
    },
    StopTimeout: 35,
  };
  return createFromPublicImage(
    host,
    run,
    { name: edgeName, service: "edge", configHash: "", body, connects: [], archives: [] },
    log,
  );
}

/** For a person who looks into the folder; the container is made from the same values. */
function edgeComposeText(host: ComposeHost, settings: ComposeSettings): string {
  const ports = [
    `${settings.proxy.http}:${edgePaths.http}`,
    ...(settings.proxy.tls === "off" ? [] : [`${settings.proxy.https}:${edgePaths.https}`]),
  ];
  return `# Written by Shiplock: the edge of this host, shared by all its environments.\n${stringify({
    name: edgeName,
    services: {
      edge: {
        container_name: edgeName,
        image: settings.proxyImage,
        ports,
        volumes: [`${host.layout.edge}:${edgePaths.folder}`],
      },
    },
  })}`;
}

async function startProxyContainer(
  host: ComposeHost,
  run: ComposeRun,
  id: string,
  name: string,
  admin: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await host.host.engine.startContainer(id);
  } catch (error) {
    // Left behind it would look as if the proxy were set up.
    await host.host.engine.removeContainer(id, { force: true, volumes: false });
    throw error;
  }
  const ready = await waitFor(run.clock, { timeoutMs: proxyReadyMs, intervalMs: 50, signal }, async () =>
    (await answers(host.host, admin)) ? true : null,
  );
  if (ready === true) return;
  throw new ShiplockError({
    code: "proxy/not-ready",
    message: `${name} on ${host.name} did not answer within ${proxyReadyMs / 1000} s`,
    remedy: "its last lines are shown with this; `shiplock doctor` checks image, ports and folder",
    details: await lastLines(host, name),
  });
}

async function answers(host: Host, admin: string): Promise<boolean> {
  try {
    const answer = await requestOverSocket({
      socketPath: await host.forwardSocket(admin),
      path: "/config/",
      headers: { host: "localhost" },
      timeoutMs: 2_000,
    });
    return answer.status === 200;
  } catch {
    // It does not answer yet: that is what is being asked.
    return false;
  }
}

async function loadConfig(host: Host, admin: string, text: string): Promise<void> {
  const answer = await requestOverSocket({
    socketPath: await host.forwardSocket(admin),
    method: "POST",
    path: "/load",
    headers: { host: "localhost", "content-type": "application/json" },
    body: text,
    timeoutMs: adminTimeoutMs,
  });
  if (answer.status === 200) return;
  throw new ShiplockError({
    code: "proxy/config-refused",
    blame: "bug",
    message: `the router on ${host.name} refused its configuration: ${answer.body.trim()}`,
  });
}

/** What the router's admin endpoint says of its upstreams. */
export async function readUpstreams(host: Host, layout: Layout): Promise<{ address: string; num_requests: number }[]> {
  const socketPath = await host.forwardSocket(`${layout.proxy}/run/admin.sock`);
  const answer = await requestOverSocket({
    socketPath,
    path: "/reverse_proxy/upstreams",
    headers: { host: "localhost" },
    timeoutMs: adminTimeoutMs,
  });
  if (answer.status !== 200) {
    throw new ShiplockError({
      code: "proxy/admin",
      message: `the router on ${host.name} answered ${answer.status} when asked for its upstreams: ${messageOf(answer.body.trim())}`,
    });
  }
  return (JSON.parse(answer.body) as JsonObject[]).flatMap((entry) => {
    const address = asText(asObject(entry)?.["address"]);
    return address === undefined ? [] : [{ address, num_requests: Number(entry["num_requests"] ?? 0) }];
  });
}

/** Takes the release's host names at the edge. A name that another environment has is never taken over. */
async function claimHostNames(host: ComposeHost, run: ComposeRun, final: boolean): Promise<boolean> {
  const wanted = hostNames(run.document.snapshot.services);
  const link = `../fronts/${host.layout.id}/front.sock`;
  const there = await claimedNames(host.host, host.layout);
  for (const name of wanted) {
    const owner = there.get(name);
    if (owner === undefined) await host.host.files.symlinkAtomic(link, `${host.layout.edge}/routes/${name}`);
    else if (owner !== host.layout.id) throw routeTaken(name, owner, host.name);
  }
  const gone = final && (await releaseHostNames(host, wanted));
  return gone || wanted.some((name) => !there.has(name));
}

/** Gives up the host names that this environment has and no longer wants. */
async function releaseHostNames(host: ComposeHost, wanted: readonly string[]): Promise<boolean> {
  const claimed = await claimedNames(host.host, host.layout);
  const gone = [...claimed].filter(([name, owner]) => owner === host.layout.id && !wanted.includes(name));
  for (const [name] of gone) await host.host.files.remove(`${host.layout.edge}/routes/${name}`);
  return gone.length > 0;
}

/** Which environment of this host has which host name. */
export async function claimedNames(host: Host, layout: Layout): Promise<Map<string, string>> {
  const entries = (await host.files.list(`${layout.edge}/routes`)) ?? [];
  const pairs = await Promise.all(
    entries.map(async (entry) => {
      const target = await host.files.readlink(`${layout.edge}/routes/${entry.name}`);
      return [entry.name, target?.split("/").at(-2) ?? "(unknown)"] as const;
    }),
  );
  return new Map(pairs);
}

export function hostNames(services: readonly { routes: readonly { host: string }[] }[]): string[] {
  return [...new Set(services.flatMap((service) => service.routes.map((route) => route.host)))].sort();
}

export function routeTaken(name: string, owner: string, host: string): ShiplockError {
  return new ShiplockError({
    code: "route/taken",
    blame: "usage",
    message: `the host name ${name} belongs to ${owner} on ${host}`,
    remedy: `choose another route, or take it out of ${owner} first`,
  });
}
