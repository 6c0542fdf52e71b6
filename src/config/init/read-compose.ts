import { readYaml } from "../read-yaml.ts";
import { asList, asObject, asText, type Json, type JsonObject } from "../../json.ts";
import { formatLocation, ShiplockError } from "../../errors.ts";
import { at, has, type Tree } from "./tree.ts";

/** A service of the team's compose files, as far as init looks at it. */
export type ComposeService = {
  readonly name: string;
  readonly build:
    | {
        readonly context: string;
        readonly dockerfile: string | undefined;
        readonly target: string | undefined;
        readonly args: Readonly<Record<string, string>>;
      }
    | undefined;
  readonly image: string | undefined;
  readonly command: string;
  /** Ports of the container: published first, then those that are only exposed. */
  readonly ports: readonly number[];
  /** Ports of the host, as they are written. */
  readonly published: readonly string[];
  readonly healthcheck: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** Files of variables that have to be there, relative to the root. */
  readonly envFiles: readonly string[];
  readonly containerName: string | undefined;
  /** What is mounted from outside volumes: folders and files of the host. */
  readonly binds: readonly { readonly source: string; readonly target: string }[];
  readonly profiled: boolean;
};

/** The team's compose files, merged as far as init looks at them. */
export type ComposeProject = {
  readonly files: readonly string[];
  readonly services: readonly ComposeService[];
  /** Names in `${NAME}`; `fallback` where the file has a value of its own for it. */
  readonly variables: readonly { readonly name: string; readonly fallback: boolean; readonly inImage: boolean }[];
};

const usual = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/**
 * The compose files that a deployment would take: the usual one, and on top of it, or instead of it where it stands for itself, one for
 * production. Undefined where there is none.
 * @throws ShiplockError `init/unreadable` for a file that is no YAML, with the place
 */
export function readCompose(tree: Tree): ComposeProject | undefined {
  const base = usual.find((name) => has(tree, name));
  const production = usual
    .flatMap((name) => ["prod", "production"].map((word) => name.replace(/\.(ya?ml)$/, `.${word}.$1`)))
    .find((name) => has(tree, name));
  const top = production === undefined ? undefined : mappingIn(tree, production);
  const standsAlone =
    top !== undefined &&
    Object.values(servicesIn(top)).every((service) => service["image"] !== undefined || service["build"] !== undefined);
  const files = [
    ...(base === undefined || standsAlone ? [] : [base]),
    ...(production === undefined ? [] : [production]),
  ];
  if (files.length === 0) return undefined;
  const models = files.map((file) => mappingIn(tree, file));
  const merged = models.reduce<Record<string, JsonObject>>((all, model) => {
    for (const [name, service] of Object.entries(servicesIn(model))) all[name] = { ...all[name], ...service };
    return all;
  }, {});
  return {
    files,
    services: Object.entries(merged).map(([name, service]) => serviceOf(name, service)),
    variables: variablesIn(models),
  };
}

function mappingIn(tree: Tree, file: string): JsonObject {
  const { raw, problems } = readYaml(file, tree.text(file) ?? "");
  const [problem] = problems;
  const mapping = asObject(raw as Json | undefined);
  if (problem === undefined && mapping !== undefined) return mapping;
  throw new ShiplockError({
    code: "init/unreadable",
    blame: "usage",
    message: `it cannot be read: ${problem?.sentence ?? "it holds no mapping"}`,
    where: problem === undefined ? file : formatLocation(problem.where),
    remedy: `mend it, until \`docker compose --file ${file} config\` passes, and run init again`,
  });
}

function servicesIn(model: JsonObject): Record<string, JsonObject> {
  return Object.fromEntries(
    Object.entries(asObject(model["services"]) ?? {}).map(([name, value]) => [name, asObject(value) ?? {}]),
  );
}

function serviceOf(name: string, service: JsonObject): ComposeService {
  const build = asObject(service["build"]);
  const context = asText(service["build"]) ?? asText(build?.["context"]) ?? (build === undefined ? undefined : ".");
  const ports = asList(service["ports"]).map(portOf);
  return {
    name,
    build:
      context === undefined
        ? undefined
        : {
            context: at("", context),
            dockerfile: asText(build?.["dockerfile"]),
            target: asText(build?.["target"]),
            args: pairsOf(build?.["args"]),
          },
    image: asText(service["image"]),
    command: commandText(service["command"]),
    ports: [
      ...ports.flatMap(({ target }) => target ?? []),
      ...asList(service["expose"]).map((port) => Number.parseInt(String(port), 10)),
    ].filter((port) => port > 0),
    published: ports.flatMap(({ published }) => published ?? []),
    healthcheck: healthcheckOf(service["healthcheck"]),
    environment: pairsOf(service["environment"]),
    envFiles: (typeof service["env_file"] === "string" ? [service["env_file"]] : asList(service["env_file"])).flatMap(
      (entry) => {
        const path =
          asText(entry) ?? (asObject(entry)?.["required"] === false ? undefined : asText(asObject(entry)?.["path"]));
        return path === undefined || path.includes("$") ? [] : [at("", path)];
      },
    ),
    containerName: asText(service["container_name"]),
    binds: asList(service["volumes"]).flatMap(bindOf),
    profiled: asList(service["profiles"]).length > 0,
  };
}

function commandText(value: Json | undefined): string {
  return asText(value) ?? asList(value).map(String).join(" ");
}

/** A healthcheck as one line; undefined where there is none, or it is switched off. */
function healthcheckOf(value: Json | undefined): string | undefined {
  const check = asObject(value);
  if (check === undefined || check["disable"] === true) return undefined;
  const text = commandText(check["test"]).replace(/^CMD(-SHELL)? /, "");
  return text === "" || text === "NONE" ? undefined : text;
}

function portOf(entry: Json): { readonly target: number | undefined; readonly published: string | undefined } {
  const long = asObject(entry);
  if (long !== undefined)
    return {
      target: Number(long["target"]),
      published: long["published"] === undefined ? undefined : String(long["published"]),
    };
  // The last colon outside of ${…} parts host and container.
  const bare = String(entry).replaceAll(/\$\{[^}]*\}/g, (found) => found.replaceAll(":", "\u0000"));
  const parts = bare.split(":").map((part) => part.replaceAll("\u0000", ":"));
  const target = Number.parseInt(parts.at(-1) ?? "", 10);
  return { target: Number.isNaN(target) ? undefined : target, published: parts.length < 2 ? undefined : parts.at(-2) };
}

function bindOf(entry: Json): readonly { readonly source: string; readonly target: string }[] {
  const long = asObject(entry);
  if (long !== undefined)
    return long["type"] === "bind"
      ? [{ source: asText(long["source"]) ?? "", target: asText(long["target"]) ?? "" }]
      : [];
  const [source = "", target = ""] = String(entry).split(":");
  return /^[./~]/.test(source) && target !== "" ? [{ source, target }] : [];
}

function pairsOf(value: Json | undefined): Readonly<Record<string, string>> {
  const mapping = asObject(value);
  if (mapping !== undefined)
    return Object.fromEntries(Object.entries(mapping).map(([name, one]) => [name, one === null ? "" : String(one)]));
  return Object.fromEntries(
    asList(value).map((entry) => {
      const [name = "", ...rest] = String(entry).split("=");
      return [name, rest.join("=")];
    }),
  );
}

/** What the files ask for by `${NAME}`, by walking through their texts, so that comments count for nothing. */
function variablesIn(models: readonly JsonObject[]): ComposeProject["variables"] {
  const found = new Map<string, { fallback: boolean; inImage: boolean }>();
  const walk = (value: Json, key: string): void => {
    if (Array.isArray(value)) {
      for (const entry of value) walk(entry, key);
      return;
    }
    if (typeof value === "object" && value !== null) {
      for (const [name, entry] of Object.entries(value)) walk(entry, name);
      return;
    }
    if (typeof value !== "string") return;
    for (const [, braced, operator, bare] of value.matchAll(
      /\$\$|\$\{([A-Za-z_]\w*)(:?[-?+])?[^}]*\}|\$([A-Za-z_]\w*)/g,
    )) {
      const name = braced ?? bare;
      if (name === undefined) continue;
      const before = found.get(name);
      const fallback = operator?.endsWith("-") === true || operator?.endsWith("+") === true;
      found.set(name, {
        fallback: fallback && before?.fallback !== false,
        inImage: key === "image" && before?.inImage !== false,
      });
    }
  };
  for (const model of models) walk(model, "");
  return [...found].map(([name, rest]) => ({ name, ...rest }));
}
