import { ShiplockError } from "../errors.ts";
import { checkProblems } from "./check-rules.ts";
import { quote } from "./display.ts";
import { gateProblems } from "./gate-rules.ts";
import { interpolate, parseTemplate, type Variables, variablesIn } from "./interpolate.ts";
import { notifyProblems } from "./notify-rules.ts";
import { hookProblems } from "./hook-rules.ts";
import type { Problem } from "./problem.ts";
import { entriesOf, itemsOf, textOf, valueAt } from "./raw.ts";
import { parseRoute, urlProblem } from "./routes.ts";
import { scanProblems } from "./scan-rules.ts";

type Path = readonly PropertyKey[];

/**
 * What holds between several keys: a route needs a port, texts with `${NAME}` are well formed, no two services claim one address, and so on.
 * `environment` are the variables of the process, which such texts may refer to; what is not set is left for later.
 */
export function ruleProblems(raw: unknown, environment: Variables): readonly Problem[] {
  const services = entriesOf(valueAt(raw, ["services"]));
  return [
    ...services.flatMap(([name, service]) => portProblems(service, ["services", name])),
    ...services.flatMap(([name, service]) =>
      statusProblems(valueAt(service, ["health"]), ["services", name, "health"]),
    ),
    ...registryProblems(raw),
    ...literalVariableProblems(raw, []),
    ...checkProblems(raw),
    ...scanProblems(raw),
    ...notifyProblems(raw),
    ...hookProblems(raw),
    ...gateProblems(raw),
    ...entriesOf(valueAt(raw, ["images"])).flatMap(([name, image]) => imageProblems(raw, image, ["images", name])),
    ...services.flatMap(([name, service]) =>
      routesOf(service, name).flatMap((route) => templateProblems(route.text, route.path)),
    ),
    ...entriesOf(valueAt(raw, ["environments"])).flatMap(([name, value]) =>
      environmentProblems(raw, value, name, { ...environment, ...Object.fromEntries(variablesAt(raw)) }),
    ),
  ];
}

function portProblems(service: unknown, path: Path): readonly Problem[] {
  if (entriesOf(service).length === 0 || valueAt(service, ["port"]) !== undefined) return [];
  const health = valueAt(service, ["health"]);
  const reasons = [
    ...(valueAt(service, ["route"]) === undefined ? [] : ["a route"]),
    ...(typeof health === "string" || valueAt(health, ["http"]) !== undefined ? ["a health check by HTTP"] : []),
    ...(valueAt(health, ["tcp"]) === undefined ? [] : ["a health check by TCP"]),
  ];
  if (reasons.length === 0) return [];
  const missing = { inside: path, keys: ["port"], choice: false };
  return [
    {
      path: [...path, "port"],
      at: "key",
      sentence: `is missing: ${reasons.join(" and ")} ${reasons.length === 1 ? "needs" : "need"} the port of the container`,
      missing,
    },
  ];
}

function statusProblems(health: unknown, path: Path): readonly Problem[] {
  if (valueAt(health, ["status"]) === undefined || valueAt(health, ["http"]) !== undefined) return [];
  return [{ path: [...path, "status"], at: "key", sentence: "has no meaning without the key http" }];
}

function registryProblems(raw: unknown): readonly Problem[] {
  const registry = valueAt(raw, ["registry"]);
  const [username, password] = ["username", "password"].map((key) => valueAt(registry, [key]));
  const path: Path = ["registry", "username"];
  const malformed = typeof username === "string" ? templateProblems(username, path) : [];
  if ((username === undefined) === (password === undefined)) return malformed;
  const [there, lacking] = username === undefined ? ["password", "username"] : ["username", "password"];
  const missing = { inside: ["registry"], keys: [lacking], choice: false };
  return [
    ...malformed,
    { path: ["registry", lacking], at: "key", sentence: `is missing: ${there} alone is no login`, missing },
  ];
}

function imageProblems(raw: unknown, image: unknown, path: Path): readonly Problem[] {
  const secrets = new Map<string, string>();
  for (const [name, environment] of entriesOf(valueAt(raw, ["environments"]))) {
    const written = valueAt(environment, ["secrets"]);
    for (const secret of itemsOf(Array.isArray(written) ? written : valueAt(written, ["names"]))) {
      if (typeof secret === "string") secrets.set(secret, name);
    }
  }
  return entriesOf(valueAt(image, ["args"])).flatMap(([name, value]): readonly Problem[] => {
    if (typeof value !== "string") return [];
    const here = [...path, "args", name];
    const leak = variablesIn(value).find((variable) => secrets.has(variable));
    if (leak === undefined) return templateProblems(value, here);
    const sentence = `${leak} is a secret of the environment ${secrets.get(leak)}; a build argument stays readable in the image: use the image's secrets`;
    return [{ path: here, at: "value", sentence }];
  });
}

function environmentProblems(raw: unknown, environment: unknown, name: string, process: Variables): readonly Problem[] {
  const path: Path = ["environments", name];
  const known: Variables = { ...process, ...Object.fromEntries(variablesAt(environment)) };
  return [
    ...literalVariableProblems(environment, path),
    ...itemsOf(valueAt(environment, ["smoke"])).flatMap((test, index) =>
      smokeProblems(test, [...path, "smoke", index]),
    ),
    ...strategyProblems(environment, path),
    ...proxyProblems(environment, path),
    ...urlProblems(environment, path, known),
    ...routeProblems(raw, name, known),
  ];
}

/** The variables of an environment, of the project or of the organization that are text. */
function variablesAt(raw: unknown): readonly (readonly [string, string])[] {
  return entriesOf(valueAt(raw, ["variables"])).flatMap(([key, value]) => {
    const text = textOf(value);
    return text === undefined ? [] : [[key, text] as const];
  });
}

/** Variables that hold `${NAME}`, as if something were filled in. `path` is where their mapping's parent lies. */
export function literalVariableProblems(raw: unknown, path: Path): readonly Problem[] {
  return variablesAt(raw).flatMap(([key, value]): Problem[] => {
    if (!/\$\{[A-Za-z_]/.test(value)) return [];
    const sentence =
      "variables are taken as they are and nothing is filled in; write the value itself, or name a secret";
    return [{ path: [...path, "variables", key], at: "value", sentence }];
  });
}

function smokeProblems(test: unknown, path: Path): readonly Problem[] {
  if (valueAt(test, ["command"]) === undefined) return [];
  const keys = ["status", "body", "header", "json"].filter((key) => valueAt(test, [key]) !== undefined);
  return keys.map((key) => ({ path: [...path, key], at: "key", sentence: "has no meaning beside the key command" }));
}

function strategyProblems(environment: unknown, path: Path): readonly Problem[] {
  const here: Path = [...path, "strategy", "rolling"];
  const surge = valueAt(environment, ["strategy", "rolling", "maxSurge"]);
  const unavailable = valueAt(environment, ["strategy", "rolling", "maxUnavailable"]) ?? 0;
  const none = [0, "0%"];
  if (!none.includes(surge as string) || !none.includes(unavailable as string)) return [];
  return [
    {
      path: [...here, "maxSurge"],
      at: "value",
      sentence: "maxSurge and maxUnavailable cannot both be 0: nothing could ever change",
    },
  ];
}

function proxyProblems(environment: unknown, path: Path): readonly Problem[] {
  const proxy: Path = ["target", "compose", "proxy"];
  const tls = valueAt(environment, [...proxy, "tls"]) ?? "auto";
  if (tls === "auto" || valueAt(environment, [...proxy, "acme"]) === undefined) return [];
  return [{ path: [...path, ...proxy, "acme"], at: "key", sentence: `has no meaning with tls: ${textOf(tls) ?? "…"}` }];
}

function urlProblems(environment: unknown, path: Path, known: Variables): readonly Problem[] {
  return ["url", "verifyUrl"].flatMap((key): readonly Problem[] => {
    const written = textOf(valueAt(environment, [key]));
    if (written === undefined) return [];
    const here = [...path, key];
    const malformed = templateProblems(written, here);
    if (malformed.length > 0) return malformed;
    const filled = filledIn(written, known);
    const sentence = filled === undefined ? undefined : urlProblem(filled);
    return sentence === undefined ? [] : [{ path: here, at: "value", sentence }];
  });
}

function routeProblems(raw: unknown, environment: string, known: Variables): readonly Problem[] {
  const claimed = new Map<string, string>();
  return entriesOf(valueAt(raw, ["services"])).flatMap(([name, service]) =>
    routesOf(service, name).flatMap(({ text, path }): Problem[] => {
      const filled = filledIn(text, known);
      if (filled === undefined) return [];
      const where = filled === text ? "" : ` (in the environment ${environment})`;
      const route = parseRoute(filled);
      if ("problem" in route)
        return [{ path, at: "value", sentence: `${route.problem}, found ${quote(text)}${where}` }];
      // Only the written text is told: what a variable holds may be private.
      const address = `${route.host}${route.path}`;
      const other = claimed.get(address);
      claimed.set(address, other ?? name);
      if (other === undefined) return [];
      return [
        {
          path,
          at: "value",
          sentence: `the address ${quote(text)} is routed to the service ${quote(other)} already${where}`,
        },
      ];
    }),
  );
}

function routesOf(service: unknown, name: string): readonly { text: string; path: Path }[] {
  const written = valueAt(service, ["route"]);
  if (typeof written === "string") return [{ text: written, path: ["services", name, "route"] }];
  return itemsOf(written).flatMap((text, index) =>
    typeof text === "string" ? [{ text, path: ["services", name, "route", index] }] : [],
  );
}

function templateProblems(text: string, path: Path): readonly Problem[] {
  const template = parseTemplate(text);
  return "problem" in template ? [{ path, at: "value", sentence: template.problem }] : [];
}

/** The text with its variables filled in, or undefined where that is not possible yet. */
function filledIn(text: string, known: Variables): string | undefined {
  try {
    return interpolate(text, known);
  } catch (cause) {
    // An unset variable may be set when the environment is used; a malformed text is told by its own rule.
    if (cause instanceof ShiplockError) return undefined;
    throw cause;
  }
}
