import { ShiplockError } from "../errors.ts";
import { plain, quote } from "./display.ts";
import { interpolate, type Variables } from "./interpolate.ts";
import { nearest } from "./nearest.ts";
import { parseRoute, urlProblem } from "./routes.ts";
import type { Config, Environment, Route } from "./types.ts";

/** The environment of that name. Errors: `config/unknown-environment`, with the nearest name. */
export function resolveEnvironment(config: Config, name: string): Environment {
  const environment = Object.hasOwn(config.environments, name) ? config.environments[name] : undefined;
  if (environment !== undefined) return environment;
  const names = Object.keys(config.environments);
  const meant = nearest(name, names);
  throw new ShiplockError({
    code: "config/unknown-environment",
    blame: "usage",
    message: `There is no environment ${quote(name)}${meant === undefined ? "" : ` (did you mean ${quote(meant)}?)`}.`,
    where: { file: config.file },
    remedy: `The environments are ${names.map(plain).join(", ")}.`,
  });
}

/**
 * The build arguments of an image with `${NAME}` filled in from the environment's variables, then from `env` (the variables of the process).
 * Errors: `config/unset-variable`, naming variable and argument.
 */
export function resolveArguments(
  config: Config,
  image: string,
  environment: Environment,
  env: Variables,
): Readonly<Record<string, string>> {
  const found = Object.hasOwn(config.images, image) ? config.images[image] : undefined;
  const variables = variablesOf(environment, env);
  const filled = Object.entries(found?.args ?? {}).map(
    ([name, text]) => [name, interpolate(text, variables, `${config.file}: images.${image}.args.${name}`)] as const,
  );
  return Object.fromEntries(filled);
}

/**
 * The routes of every routed service in this environment. Errors: `config/unset-variable`, `config/invalid-route` for a text that is none once
 * it is filled in, or an address that two services claim.
 */
export function resolveRoutes(
  config: Config,
  environment: Environment,
  env: Variables,
): Readonly<Record<string, readonly Route[]>> {
  const variables = variablesOf(environment, env);
  const claimed = new Map<string, string>();
  const routes = Object.values(config.services).map((service) => {
    const where = `${config.file}: services.${service.name}.route`;
    const found = service.routes.map((text) => {
      const route = parseRoute(interpolate(text, variables, where));
      if ("problem" in route) throw invalidRoute(`The route ${quote(text)} ${route.problem}.`, where);
      const address = `${route.host}${route.path}`;
      const other = claimed.get(address);
      if (other !== undefined)
        throw invalidRoute(`The route ${quote(text)} leads to the service ${quote(other)} already.`, where);
      claimed.set(address, service.name);
      return route;
    });
    return [service.name, found] as const;
  });
  return Object.fromEntries(routes.filter(([, found]) => found.length > 0));
}

/** Public URL and the URL that verification asks, filled in. Errors: `config/unset-variable`, `config/invalid-url`. */
export function resolvePublicUrls(
  config: Config,
  environment: Environment,
  env: Variables,
): { readonly url: string | undefined; readonly verifyUrl: string | undefined } {
  const variables = variablesOf(environment, env);
  const fill = (key: "url" | "verifyUrl") => {
    const text = environment[key];
    if (text === undefined) return undefined;
    const where = `${config.file}: environments.${environment.name}.${key}`;
    const filled = interpolate(text, variables, where);
    const problem = urlProblem(filled);
    if (problem === undefined) return filled;
    throw new ShiplockError({
      code: "config/invalid-url",
      blame: "usage",
      message: `The text of ${key} ${problem}.`,
      where,
    });
  };
  return { url: fill("url"), verifyUrl: fill("verifyUrl") };
}

function variablesOf(environment: Environment, env: Variables): Variables {
  return { ...env, ...environment.variables };
}

function invalidRoute(message: string, where: string): ShiplockError {
  return new ShiplockError({ code: "config/invalid-route", blame: "usage", message, where });
}
