import { stringify } from "yaml";
import type { Place } from "../../deploy/types.ts";
import { slots } from "../../deploy/types.ts";
import { ShiplockError } from "../../errors.ts";
import { asList, asObject, asText, type JsonObject } from "../../json.ts";
import type { Snapshot, SnapshotService } from "../../release/types.ts";
import { label, type Layout, placedName, reservedPrefix, routerService } from "./layout.ts";
import { type DesignOptions, designPorts, designRouter, faceOf } from "./routers.ts";
import { imageVariable, resolveFileTokens } from "./tokens.ts";

export type PlaceRequest = {
  snapshot: Snapshot;
  release: string;
  project: string;
  place: Place;
  layout: Layout;
  owner: { uid: number; gid: number };
  proxyImage: string;
};

/**
 * The final compose file of a release in a place of a host: what `docker compose` by hand sees, and what containers are created from.
 * Released services carry the slot in their name, so two releases are two sets of services and nothing is ever scaled by count; the router
 * stands in the file with the names and aliases the services had, and beside it a holder for each port they published.
 */
export function placeModel(request: PlaceRequest): JsonObject {
  const { snapshot, place, layout } = request;
  const model = structuredClone(snapshot.model);
  const services = asObject(model["services"]) ?? {};
  const released = new Map(snapshot.services.map((service) => [service.name, service]));
  const placed: JsonObject = {};
  if (place !== "direct") refuseSlotNames(Object.keys(services), snapshot);
  for (const [name, value] of Object.entries(services)) {
    const definition = asObject(value) ?? {};
    const service = released.get(name);
    renameReferences(definition, (other) => (released.has(other) ? placedName(other, place) : other));
    if (service === undefined)
      placed[name] = withLabels(definition, { [label.kind]: "backing", ...commonLabels(request) });
    else placed[placedName(name, place)] = placeService(service, definition, request);
  }
  if (place !== "direct") {
    placed[routerService] = designRouter(faceOf(snapshot), designOf(request)).definition;
    for (const port of designPorts(snapshot, designOf(request))) placed[port.service] = port.definition;
  }
  model["services"] = placed;
  return JSON.parse(resolveFileTokens(JSON.stringify(model), layout.folder)) as JsonObject;
}

/** What proxies are designed for. */
export function designOf(request: Omit<PlaceRequest, "release" | "place">): DesignOptions {
  const { project, snapshot, layout, owner, proxyImage } = request;
  return { project, environment: snapshot.environment, layout, owner, proxyImage };
}

/** The final compose file as text, with a word to whoever opens it. */
export function composeText(model: JsonObject, layout: Layout): string {
  const head = [
    `# Written by Shiplock: what runs in ${layout.id} on this host. The next deployment replaces it.`,
    "# `docker compose ps`, `logs` and `restart` work here, and `docker compose up -d` changes nothing.",
    "",
  ];
  return head.join("\n") + stringify(model, { lineWidth: 0 });
}

function placeService(service: SnapshotService, definition: JsonObject, request: PlaceRequest): JsonObject {
  const { place } = request;
  const placed: JsonObject = { ...definition, image: `\${${imageVariable(service.name)}:?}` };
  placed["deploy"] = { ...asObject(definition["deploy"]), replicas: service.replicas };
  delete placed["scale"];
  placed["stop_grace_period"] = `${service.stopGraceMs}ms`;
  // The old container is set aside or stands beside the new one: both need a name of their own.
  delete placed["container_name"];
  if (place !== "direct") {
    refuseUnplaceable(service.name, definition);
    delete placed["ports"];
    placed["networks"] = withoutAliases(asObject(definition["networks"]) ?? { default: null });
    // With `always`, a kept container of the old release would start with the engine.
    if (placed["restart"] === "always") placed["restart"] = "unless-stopped";
  }
  return withLabels(placed, {
    ...commonLabels(request),
    [label.kind]: "app",
    [label.service]: service.name,
    [label.release]: request.release,
    [label.place]: place,
  });
}

function commonLabels(request: PlaceRequest): Record<string, string> {
  return { [label.project]: request.project, [label.environment]: request.snapshot.environment };
}

function withLabels(definition: JsonObject, labels: Readonly<Record<string, string>>): JsonObject {
  return { ...definition, labels: { ...asObject(definition["labels"]), ...labels } };
}

function withoutAliases(networks: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(networks).map(([name, value]) => {
      const { aliases: _aliases, ...rest } = asObject(value) ?? {};
      return [name, Object.keys(rest).length === 0 ? null : rest];
    }),
  );
}

/** Compose files name other services in a handful of places. */
function renameReferences(definition: JsonObject, rename: (service: string) => string): void {
  const dependsOn = asObject(definition["depends_on"]);
  if (dependsOn !== undefined) {
    definition["depends_on"] = Object.fromEntries(
      Object.entries(dependsOn).map(([name, value]) => [rename(name), value]),
    );
  }
  for (const key of ["network_mode", "ipc", "pid"]) {
    const value = asText(definition[key]);
    if (value?.startsWith("service:") === true) definition[key] = `service:${rename(value.slice("service:".length))}`;
  }
  const volumesFrom = asList(definition["volumes_from"]);
  if (volumesFrom.length > 0) {
    definition["volumes_from"] = volumesFrom.map((entry) => {
      const [name = "", ...rest] = String(entry).split(":");
      return [rename(name), ...rest].join(":");
    });
  }
}

/** Whatever slot is chosen now: a name that is free today would be taken at the next deployment. */
function refuseSlotNames(names: readonly string[], snapshot: Snapshot): void {
  const reserved = snapshot.services.flatMap((service) => slots.map((slot) => placedName(service.name, slot)));
  const taken = names.find((name) => name.startsWith(reservedPrefix) || reserved.includes(name));
  if (taken === undefined) return;
  throw new ShiplockError({
    code: "compose/slot-name",
    blame: "usage",
    message: `the compose file has a service "${taken}", a name that Shiplock gives to ${taken.startsWith(reservedPrefix) ? "its proxies" : "a released service in a slot"}`,
    remedy: "give that service another name",
  });
}

function refuseUnplaceable(name: string, definition: JsonObject): void {
  const mode = asText(definition["network_mode"]);
  if (mode !== "host" && mode !== "none") return;
  throw new ShiplockError({
    code: "compose/network-mode",
    blame: "usage",
    message: `the released service "${name}" has network_mode: ${mode}, so two releases of it cannot stand beside each other`,
    remedy: "remove network_mode, or choose `strategy: in-place` for this environment",
  });
}

/** All places, for whoever has to look everywhere. */
export const everyPlace: readonly Place[] = [...slots, "direct"];
