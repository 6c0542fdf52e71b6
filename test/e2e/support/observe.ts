import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { EnvironmentState } from "../../../src/environments/record/types.ts";
import { askEngine } from "../../lab/engine.ts";
import type { LabHost } from "../../lab/host.ts";

export type SeenContainer = {
  name: string;
  id: string;
  state: string;
  startedAt: string;
  release: string;
  service: string;
  place: string;
  kind: string;
  image: string;
};

/** What a deployment could have changed on a host, in a form that two looks can be compared in. */
export type SeenHost = {
  containers: SeenContainer[];
  volumes: string[];
  networks: string[];
  /** `environment → traffic set` as the routers' links say. */
  traffic: Record<string, string>;
  /** Host names that the edge routes. */
  routes: string[];
};

type Inspected = {
  Id: string;
  Name: string;
  State: { Status: string; StartedAt: string };
  Config: { Labels: Record<string, string> };
  Image: string;
};

/** Shiplock's folder on a host, as seen from the test. */
export function shiplockFolder(host: LabHost): string {
  return join(host.rootPath(), "home", host.sshUser, ".shiplock");
}

/** Every container of a host, sorted by name, read from its engine. */
export async function containersOf(host: LabHost): Promise<SeenContainer[]> {
  const list = await ask<{ Id: string }[]>(host, "/containers/json?all=1");
  const inspected = await Promise.all(list.map(({ Id }) => ask<Inspected>(host, `/containers/${Id}/json`)));
  const seen = inspected.map(({ Id, Name, State, Config, Image }) => {
    const label = (name: string): string => Config.Labels[`shiplock.${name}`] ?? "";
    return {
      name: Name.slice(1),
      id: Id,
      state: State.Status,
      startedAt: State.StartedAt,
      release: label("release"),
      service: label("service"),
      place: label("place"),
      kind: label("kind"),
      image: Image,
    };
  });
  return seen.sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** The containers of an environment's released services. */
export async function appsOf(host: LabHost, id: string): Promise<SeenContainer[]> {
  return (await containersOf(host)).filter(
    (container) => container.kind === "app" && container.name.startsWith(`${id}-`),
  );
}

/** The variables that a container was made with. */
export async function variablesOf(host: LabHost, container: string): Promise<Record<string, string>> {
  const { Config } = await ask<{ Config: { Env: string[] } }>(host, `/containers/${container}/json`);
  return Object.fromEntries(
    Config.Env.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
  );
}

/** Names of the containers of a kind that the engine started since a moment, once per start, as the engine itself remembers it. */
export async function startsSince(host: LabHost, since: Date, kind: string): Promise<string[]> {
  const filters = JSON.stringify({ type: ["container"], event: ["start"], label: [`shiplock.kind=${kind}`] });
  const query = new URLSearchParams({
    since: (since.getTime() / 1000).toFixed(3),
    until: (Date.now() / 1000).toFixed(3),
    filters,
  });
  const answer = await askEngine(host.socketPath, "GET", `/events?${query.toString()}`, { timeoutMs: 30_000 });
  if (answer.status !== 200) throw new Error(`${host.name}: events: ${answer.status} ${answer.body}`);
  return answer.body
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { Actor: { Attributes: { name: string } } }).Actor.Attributes.name);
}

/** One look at a host. */
export async function lookAt(host: LabHost): Promise<SeenHost> {
  const [containers, volumes, networks] = await Promise.all([
    containersOf(host),
    ask<{ Volumes: { Name: string }[] | null }>(host, "/volumes"),
    ask<{ Name: string }[]>(host, "/networks"),
  ]);
  const folder = shiplockFolder(host);
  const environments = namesIn(join(folder, "environments"));
  const links = environments.flatMap((name) => {
    const live = join(folder, "environments", name, "proxy/live");
    return existsSync(join(live, "assignment.json")) ? [[name, readlinkSync(live)] as const] : [];
  });
  return {
    containers,
    volumes: (volumes.Volumes ?? []).map(({ Name }) => Name).sort(),
    networks: networks.map(({ Name }) => Name).sort(),
    traffic: Object.fromEntries(links),
    routes: namesIn(join(folder, "edge/routes")),
  };
}

/** The newest revision of an environment record on a host; null where there is none. */
export function environmentState(host: LabHost, id: string): EnvironmentState | null {
  const folder = join(shiplockFolder(host), "environments", id, "record");
  const newest = namesIn(folder)
    .filter((name) => /^\d+\.json$/.test(name))
    .at(-1);
  if (newest === undefined) return null;
  return (JSON.parse(readFileSync(join(folder, newest), "utf8")) as { state: EnvironmentState }).state;
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

async function ask<T>(host: LabHost, path: string): Promise<T> {
  const answer = await askEngine(host.socketPath, "GET", path, { timeoutMs: 30_000 });
  if (answer.status === 200) return JSON.parse(answer.body) as T;
  throw new Error(`${host.name}: GET ${path}: ${answer.status} ${answer.body}`);
}
