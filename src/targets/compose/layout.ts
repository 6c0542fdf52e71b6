import type { Place, ReplicaRef, Slot } from "../../deploy/types.ts";

/** Where things of an environment lie on a host, and what they are called. All paths are absolute on that host. */
export type Layout = {
  /** `<project>-<environment>`: name of the folder and of the Compose project. */
  id: string;
  root: string;
  folder: string;
  proxy: string;
  /** Folder of the holders of published ports. */
  ports: string;
  edge: string;
  /** The folder in which the routers of this environment offer their front sockets to the edge; `current` in it leads to the one that has the traffic. */
  front: string;
  compose: string;
  dotenv: string;
};

/** @param root Shiplock's folder on the host, absolute or starting with `~/` */
export function layoutOf(project: string, environment: string, root: string, home: string): Layout {
  const absolute = root.startsWith("~/") ? `${home}/${root.slice(2)}` : root;
  const id = `${project}-${environment}`;
  const folder = `${absolute}/environments/${id}`;
  return {
    id,
    root: absolute,
    folder,
    proxy: `${folder}/proxy`,
    ports: `${folder}/proxy/ports`,
    edge: `${absolute}/edge`,
    front: `${absolute}/edge/fronts/${id}`,
    compose: `${folder}/compose.yaml`,
    dotenv: `${folder}/.env`,
  };
}

/** The name a released service has in the final compose file: `web-b` in slot b, its own name in place. */
export function placedName(service: string, place: Place): string {
  return place === "direct" ? service : `${service}-${place}`;
}

/** The container of a replica, which Docker's DNS knows by this name too. */
export function containerName(id: string, replica: ReplicaRef): string {
  return `${id}-${placedName(replica.service, replica.place)}-${replica.replica}`;
}

export function slotContainerName(id: string, service: string, slot: Slot, replica: number): string {
  return containerName(id, { service, place: slot, replica });
}

/** The labels by which Shiplock finds what it made. */
export const label = {
  project: "shiplock.project",
  environment: "shiplock.environment",
  service: "shiplock.service",
  release: "shiplock.release",
  place: "shiplock.place",
  kind: "shiplock.kind",
  deployment: "shiplock.deployment",
  fence: "shiplock.fence",
  /** Of a router. */
  generation: "shiplock.generation",
} as const;

/** Names of services in the final compose file that begin like this are Shiplock's own. */
export const reservedPrefix = "shiplock-";

export const routerService = `${reservedPrefix}router`;

/** The router of two releases, which no final file has. */
export const bothRouterService = `${reservedPrefix}router-both`;

/** The service that holds a published port is called by this and the port. */
export const portPrefix = `${reservedPrefix}port-`;
