import { createHash } from "node:crypto";
import { parse } from "yaml";
import { asList, asObject, asText, type Json, type JsonObject, mapStrings } from "../../src/json.ts";
import type { ComposeProgram } from "../../src/targets/compose/compose-program.ts";
import type { RecordedContainer } from "../../src/targets/compose/recorder.ts";

export type FakeCompose = ComposeProgram & {
  /** What `config` answers; a test of rendering puts its model here. */
  model: JsonObject;
  /** The variables `config` was last given. */
  lastEnv: Readonly<Record<string, string>>;
};

/**
 * Compose in memory: `config` answers a model it was given, `translate` makes of a final file what the real Compose asks an engine for, as far as
 * Shiplock looks at it: names, labels with a hash of the definition, networks, volumes, ports, and `configs` with content as archives.
 */
export function fakeCompose(model: JsonObject = {}): FakeCompose {
  const compose: FakeCompose = {
    model,
    lastEnv: {},
    config: async ({ env }) => {
      compose.lastEnv = env;
      return structuredClone(compose.model);
    },
    translate: async ({ text, project, env }) => {
      const file = mapStrings(parse(text) as Json, (value) => interpolated(value, env)) as JsonObject;
      const services = Object.entries(asObject(file["services"]) ?? {});
      return {
        containers: services.flatMap(([name, definition]) =>
          containersOf(name, asObject(definition) ?? {}, file, project),
        ),
        networks: namesIn(file, "networks", project).map((name) => ({ Name: name, Labels: projectLabel(project) })),
        volumes: namesIn(file, "volumes", project).map((name) => ({ Name: name, Labels: projectLabel(project) })),
      };
    },
  };
  return compose;
}

function containersOf(service: string, definition: JsonObject, file: JsonObject, project: string): RecordedContainer[] {
  const deploy = asObject(definition["deploy"]) ?? {};
  const replicas = typeof deploy["replicas"] === "number" ? deploy["replicas"] : 1;
  const hash = createHash("sha256")
    .update(JSON.stringify({ ...definition, deploy: { ...deploy, replicas: null } }))
    .digest("hex");
  const networks = Object.entries(asObject(definition["networks"]) ?? { default: null });
  const [first = ["default", null], ...others] = networks.map(
    ([name, value]) =>
      [`${project}_${name}`, { Aliases: [...asList(asObject(value)?.["aliases"]), service] }] as [string, JsonObject],
  );
  return Array.from({ length: replicas }, (_, index) => ({
    name: asText(definition["container_name"]) ?? `${project}-${service}-${index + 1}`,
    body: {
      Image: asText(definition["image"]) ?? "",
      Labels: {
        ...asObject(definition["labels"]),
        ...projectLabel(project),
        "com.docker.compose.service": service,
        "com.docker.compose.config-hash": hash,
        "com.docker.compose.container-number": String(index + 1),
        "com.docker.compose.oneoff": "False",
      },
      HostConfig: {
        NetworkMode: first[0],
        RestartPolicy: { Name: asText(definition["restart"]) ?? "no" },
        Binds: asList(definition["volumes"]).map((volume) => bindOf(asObject(volume) ?? {}, project)),
        PortBindings: Object.fromEntries(asList(definition["ports"]).map((port) => portOf(asObject(port) ?? {}))),
      },
      NetworkingConfig: { EndpointsConfig: { [first[0]]: first[1] } },
    },
    connects: others.map(([network, endpoint]) => ({ network, endpoint })),
    archives: asList(definition["configs"]).map((entry) => archiveOf(asObject(entry) ?? {}, file)),
  }));
}

function bindOf(volume: JsonObject, project: string): string {
  const source = asText(volume["source"]) ?? "";
  return `${volume["type"] === "volume" ? `${project}_${source}` : source}:${asText(volume["target"]) ?? ""}`;
}

function portOf(port: JsonObject): [string, Json] {
  return [`${String(port["target"])}/tcp`, [{ HostIp: "", HostPort: String(port["published"]) }]];
}

function archiveOf(entry: JsonObject, file: JsonObject): { path: string; tar: Uint8Array } {
  const config = asObject(asObject(file["configs"])?.[asText(entry["source"]) ?? ""]);
  return { path: asText(entry["target"]) ?? "/", tar: new TextEncoder().encode(asText(config?.["content"]) ?? "") };
}

function namesIn(file: JsonObject, kind: "networks" | "volumes", project: string): string[] {
  const named = Object.entries(asObject(file[kind]) ?? {}).map(
    ([name, value]) => asText(asObject(value)?.["name"]) ?? `${project}_${name}`,
  );
  return kind === "networks" && !named.includes(`${project}_default`) ? [`${project}_default`, ...named] : named;
}

function projectLabel(project: string): { "com.docker.compose.project": string } {
  return { "com.docker.compose.project": project };
}

/** `${NAME}`, `${NAME:?words}` and `$$`, as Compose writes them into a final file. */
function interpolated(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(
    /\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(:\?[^}]*)?\}/g,
    (whole, name: string | undefined, demand: string | undefined) => {
      if (whole === "$$" || name === undefined) return "$";
      const value = env[name] ?? "";
      if (value === "" && demand !== undefined) throw new Error(`required variable ${name} is missing a value`);
      return value;
    },
  );
}
