import { stringify } from "yaml";
import { ShiplockError } from "../../../errors.ts";
import type { Host } from "../../../hosts/types.ts";
import type { JsonObject } from "../../../json.ts";
import { edgeConfig, edgePaths } from "../../../proxy/caddy/edge-config.ts";
import { routerFiles } from "../../../proxy/caddy/router-config.ts";
import { label, type Layout } from "../layout.ts";
import type { ComposeHost, ComposeRun, ComposeSettings } from "../run.ts";
import { createFromPublicImage } from "./infrastructure.ts";
import type { Container } from "../../../hosts/engine.ts";
import type { ContainerSpec } from "../translate.ts";
import { startProxyContainer } from "./proxy-containers.ts";

/** The host's edge: one for all projects. It keeps the settings it was made with, also where a later deployment of another environment has to start it again. */
export async function ensureEdge(
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
  const edge = existing ?? (await createEdge(host, run, log));
  // Whose container it became, his are the settings.
  if (edge.state.status === "created") await writeEdgeFiles(host, run.settings);
  await startProxyContainer(host, run, edge.id, name, `${folder}/run/admin.sock`, signal);
  return true;
}

export const edgeName = "shiplock-edge";

async function writeEdgeFiles(host: ComposeHost, settings: ComposeSettings): Promise<void> {
  await host.host.files.write(`${host.layout.edge}/caddy.json`, JSON.stringify(edgeConfig(settings.proxy.tls)));
  await host.host.files.write(`${host.layout.edge}/compose.yaml`, edgeComposeText(host, settings));
}

/** Two environments may meet in their first deployment to a host: one makes the edge, and the other takes that one. */
async function createEdge(host: ComposeHost, run: ComposeRun, log: (line: string) => void): Promise<Container> {
  try {
    await createFromPublicImage(host, run, edgeSpec(host, run.settings), log);
  } catch (error) {
    if (!(error instanceof ShiplockError) || error.code !== "engine/conflict") throw error;
  }
  const made = await host.host.engine.inspectContainer(edgeName);
  if (made !== null) return made;
  throw new ShiplockError({
    code: "proxy/edge-gone",
    message: `${edgeName} on ${host.name} was removed while it was set up`,
    remedy: "run the command again",
  });
}

function edgeSpec(host: ComposeHost, settings: ComposeSettings): ContainerSpec {
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
  return { name: edgeName, service: "edge", configHash: "", body, connects: [], archives: [] };
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

/**
 * Takes the release's host names at the edge. A name that another environment has is never taken over: a link is made where there is none, so of two who want a
 * name at the same time one gets it.
 * @returns whether any was missing
 * @throws ShiplockError `route/taken`
 */
export async function claimHostNames(host: ComposeHost, wanted: readonly string[]): Promise<boolean> {
  const target = `../fronts/${host.layout.id}/current/${routerFiles.front}`;
  const before = await claimedNames(host.host, host.layout);
  refuseOthersNames(host, wanted, before);
  const missing = wanted.filter((name) => !before.has(name));
  if (missing.length === 0) return false;
  try {
    await host.host.files.symlinks(missing.map((name) => ({ path: `${host.layout.edge}/routes/${name}`, target })));
  } catch (error) {
    refuseOthersNames(host, wanted, await claimedNames(host.host, host.layout));
    throw error;
  }
  return true;
}

function refuseOthersNames(host: ComposeHost, wanted: readonly string[], claimed: ReadonlyMap<string, string>): void {
  for (const name of wanted) {
    const owner = claimed.get(name);
    if (owner !== undefined && owner !== host.layout.id) throw routeTaken(name, owner, host.name);
  }
}

/** Gives up the host names that this environment has and no longer wants. */
export async function releaseHostNames(host: ComposeHost, wanted: readonly string[]): Promise<boolean> {
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
      return [entry.name, target?.split("/").at(-3) ?? "(unknown)"] as const;
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
