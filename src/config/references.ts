import { describeValue, quote } from "./display.ts";
import { nearest } from "./nearest.ts";
import type { Problem } from "./problem.ts";
import { entriesOf, itemsOf, textOf, valueAt } from "./raw.ts";
import { hostOf } from "./resolve-host.ts";

type Path = readonly PropertyKey[];

/** Names that refer to nothing, and names that are there twice. Reads the raw value, so that other errors do not hide these. */
export function referenceProblems(raw: unknown): readonly Problem[] {
  return [
    ...reservedNames(raw, [], new Set()),
    ...serviceImages(raw),
    ...slotNames(raw),
    ...backingServices(raw),
    ...migrationNames(raw, ["migrations"]),
    ...checkNames(raw),
    ...entriesOf(valueAt(raw, ["images"])).flatMap(([name, image]) =>
      repeated(valueAt(image, ["secrets"]), ["images", name, "secrets"]),
    ),
    ...entriesOf(valueAt(raw, ["environments"])).flatMap(([name]) => environmentNames(raw, ["environments", name])),
    ...notifyEnvironments(raw),
    ...tagPrefixes(raw),
  ];
}

function environmentNames(raw: unknown, path: Path): readonly Problem[] {
  const environment = valueAt(raw, path);
  return [
    ...hostNames(environment, [...path, "target", "compose"]),
    ...secretNames(environment, path),
    ...migrationNames(raw, [...path, "migrations"]),
    ...itemsOf(valueAt(environment, ["smoke"])).flatMap((test, index) =>
      smokeService(raw, test, [...path, "smoke", index]),
    ),
  ];
}

// Mappings become plain objects, where such a name would be found without having been written.
function reservedNames(raw: unknown, path: Path, seen: Set<unknown>): readonly Problem[] {
  // Anchors may be circular, and names of ours lie nowhere deeper.
  if (seen.has(raw) || path.length > 20) return [];
  if (typeof raw === "object" && raw !== null) seen.add(raw);
  const below = [...entriesOf(raw), ...itemsOf(raw).map((item, index) => [index, item] as const)];
  return below.flatMap(([key, value]) => {
    const here: Path = [...path, key];
    if (typeof key === "string" && key in Object.prototype)
      return [{ path: here, at: "key", sentence: "this name is reserved; choose another" }];
    return reservedNames(value, here, seen);
  });
}

function serviceImages(raw: unknown): readonly Problem[] {
  const images = entriesOf(valueAt(raw, ["images"])).map(([name]) => name);
  return entriesOf(valueAt(raw, ["services"])).flatMap(([name, service]) =>
    dangling(valueAt(service, ["image"]), images, "image", "images", ["services", name, "image"]),
  );
}

function notifyEnvironments(raw: unknown): readonly Problem[] {
  const known = entriesOf(valueAt(raw, ["environments"])).map(([name]) => name);
  return itemsOf(valueAt(raw, ["notify"])).flatMap((entry, index) => {
    const path: Path = ["notify", index, "environments"];
    const written = valueAt(entry, ["environments"]);
    return [
      ...itemsOf(written).flatMap((name, place) =>
        dangling(name, known, "environment", "environments", [...path, place]),
      ),
      ...repeated(written, path),
      ...repeated(valueAt(entry, ["events"]), ["notify", index, "events"]),
    ];
  });
}

// The service "web" has replicas named "web-a", "web-b" and "web-c", one for each slot.
function slotNames(raw: unknown): readonly Problem[] {
  const services = entriesOf(valueAt(raw, ["services"])).map(([name]) => name);
  const clash = (name: string) =>
    services.find((other) => name === `${other}-a` || name === `${other}-b` || name === `${other}-c`);
  const problem = (path: Path, at: Problem["at"], name: string): readonly Problem[] => {
    const other = clash(name);
    if (other === undefined) return [];
    return [{ path, at, sentence: `the name ${quote(name)} is taken by a slot of the service ${quote(other)}` }];
  };
  return [
    ...services.flatMap((name) => problem(["services", name], "key", name)),
    ...itemsOf(valueAt(raw, ["backing"])).flatMap((name, index) =>
      typeof name === "string" ? problem(["backing", index], "value", name) : [],
    ),
  ];
}

function backingServices(raw: unknown): readonly Problem[] {
  const released = new Set(entriesOf(valueAt(raw, ["services"])).map(([name]) => name));
  const both = itemsOf(valueAt(raw, ["backing"])).flatMap((name, index): Problem[] => {
    if (typeof name !== "string" || !released.has(name)) return [];
    return [
      {
        path: ["backing", index],
        at: "value",
        sentence: `${quote(name)} is a released service, so it cannot be a backing one`,
      },
    ];
  });
  return [...both, ...repeated(valueAt(raw, ["backing"]), ["backing"])];
}

function migrationNames(raw: unknown, path: Path): readonly Problem[] {
  const migrations = valueAt(raw, path);
  const services = entriesOf(valueAt(raw, ["services"])).map(([name]) => name);
  const images = entriesOf(valueAt(raw, ["images"])).map(([name]) => name);
  return [
    ...dangling(valueAt(migrations, ["service"]), services, "released service", "services", [...path, "service"]),
    ...dangling(valueAt(migrations, ["image"]), images, "image", "images", [...path, "image"]),
  ];
}

function checkNames(raw: unknown): readonly Problem[] {
  const checks = entriesOf(valueAt(raw, ["checks"]));
  const names = checks.map(([name]) => name);
  return checks.flatMap(([name, check]) => {
    const path: Path = ["checks", name];
    const needs = valueAt(check, ["needs"]);
    return [
      ...itemsOf(needs).flatMap((need, index) => dangling(need, names, "check", "checks", [...path, "needs", index])),
      ...["needs", "secrets", "artifacts", "files"].flatMap((key) => repeated(valueAt(check, [key]), [...path, key])),
    ];
  });
}

function hostNames(environment: unknown, path: Path): readonly Problem[] {
  const hosts = itemsOf(valueAt(environment, ["target", "compose", "hosts"])).map((written) => hostOf(written));
  const problems = hosts.flatMap((host, index): Problem[] => {
    if (host === undefined) return [];
    const before = hosts.slice(0, index);
    const here: Path = [...path, "hosts", index];
    if (before.some((other) => other?.name === host.name)) {
      return [
        {
          path: here,
          at: "value",
          sentence: `there is a host named ${quote(host.name)} already; give this one another name`,
        },
      ];
    }
    const same = before.find((other) => other !== undefined && addressOf(other) === addressOf(host));
    if (same === undefined) return [];
    return [{ path: here, at: "value", sentence: `this is the same host as ${quote(same.name)}` }];
  });
  const names = hosts.flatMap((host) => host?.name ?? []);
  if (names.length < hosts.length) return problems;
  return [
    ...problems,
    ...dangling(valueAt(environment, ["target", "compose", "home"]), names, "host", "hosts", [...path, "home"]),
  ];
}

function addressOf(host: NonNullable<ReturnType<typeof hostOf>>): string {
  return host.connection.kind === "local" ? "local" : `${host.connection.address}:${host.connection.port ?? 22}`;
}

function secretNames(environment: unknown, path: Path): readonly Problem[] {
  const secrets = valueAt(environment, ["secrets"]);
  const names = itemsOf(Array.isArray(secrets) ? secrets : valueAt(secrets, ["names"]));
  const here = Array.isArray(secrets) ? [...path, "secrets"] : [...path, "secrets", "names"];
  const variables = new Set(entriesOf(valueAt(environment, ["variables"])).map(([name]) => name));
  const both = names.flatMap((name, index): Problem[] => {
    if (typeof name !== "string" || !variables.has(name)) return [];
    return [
      { path: [...here, index], at: "value", sentence: "this name is under variables too; it can be only one of both" },
    ];
  });
  return [...both, ...repeated(names, here)];
}

function smokeService(raw: unknown, test: unknown, path: Path): readonly Problem[] {
  const services = entriesOf(valueAt(raw, ["services"]));
  const names = services.map(([name]) => name);
  const withPort = services.flatMap(([name, service]) => (valueAt(service, ["port"]) === undefined ? [] : [name]));
  const named = valueAt(test, ["service"]);
  const asks = valueAt(test, ["get"]) !== undefined;
  if (named === undefined) {
    const kind = asks || valueAt(test, ["command"]) !== undefined;
    if (withPort.length === 1 || !kind) return [];
    return [{ path, at: "value", sentence: "needs the key service: there is not exactly one service with a port" }];
  }
  const name = textOf(named);
  if (asks && name !== undefined && names.includes(name) && !withPort.includes(name)) {
    return [
      {
        path: [...path, "service"],
        at: "value",
        sentence: `the service ${quote(name)} has no port, so nothing can be asked by HTTP`,
      },
    ];
  }
  return dangling(named, names, "released service", "services", [...path, "service"]);
}

function tagPrefixes(raw: unknown): readonly Problem[] {
  const seen = new Map<string, string>();
  return entriesOf(valueAt(raw, ["environments"])).flatMap(([name, environment]): Problem[] => {
    const prefix = textOf(valueAt(environment, ["tagPrefix"])) ?? name;
    const other = seen.get(prefix);
    if (other === undefined) {
      seen.set(prefix, name);
      return [];
    }
    const sentence = `the environment ${quote(other)} has the tag prefix ${quote(prefix)} already`;
    return [{ path: ["environments", name, "tagPrefix"], at: "value", sentence }];
  });
}

function dangling(
  value: unknown,
  names: readonly string[],
  what: string,
  list: string,
  path: Path,
): readonly Problem[] {
  if (typeof value !== "string" || names.includes(value)) return [];
  const suggestion = nearest(value, names);
  const sentence = `there is no ${what} ${describeValue(value)} under ${list}`;
  return [{ path, at: "value", sentence, ...(suggestion === undefined ? {} : { suggestion }) }];
}

function repeated(value: unknown, path: Path): readonly Problem[] {
  const items = itemsOf(value);
  return items.flatMap((item, index): Problem[] => {
    if (typeof item !== "string" || items.indexOf(item) === index) return [];
    return [{ path: [...path, index], at: "value", sentence: "is in the list already" }];
  });
}
