import { asObject, asText, type Json, type JsonObject, mapStrings } from "../json.ts";
import type { ReleaseDocument } from "./types.ts";

/** A configuration key with its values before and after, as JSON; undefined where it is not there. */
export type ChangedKey = { key: string; left: string | undefined; right: string | undefined };

/** The configuration keys in which two releases differ, by name. Secrets have no values here. */
export function changedKeys(from: ReleaseDocument, to: ReleaseDocument | null): ChangedKey[] {
  const before = flatten(configurationOf(from));
  const after = flatten(to === null ? {} : configurationOf(to));
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort();
  return keys.flatMap((key) => {
    const left = before.get(key);
    const right = after.get(key);
    return left === right ? [] : [{ key, left, right }];
  });
}

function configurationOf(document: ReleaseDocument): JsonObject {
  const { services, smoke, model } = document.snapshot;
  const { name, services: composed, ...others } = model;
  // Compose begins the names of networks and volumes with the project's, which is the environment's and says nothing of the release.
  const prefix = `${asText(name) ?? ""}_`;
  return JSON.parse(
    JSON.stringify({
      services: Object.fromEntries(services.map((service) => [service.name, service])),
      smoke,
      compose: asObject(composed) ?? {},
      ...asObject(mapStrings(others, (text) => (text.startsWith(prefix) ? text.slice(prefix.length) : text))),
    }),
  ) as JsonObject;
}

function flatten(value: Json, path = "", into = new Map<string, string>()): Map<string, string> {
  if (typeof value !== "object" || value === null) into.set(path, JSON.stringify(value));
  else for (const [key, entry] of Object.entries(value)) flatten(entry, path === "" ? key : `${path}.${key}`, into);
  return into;
}
