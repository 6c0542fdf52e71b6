import { asList, asObject, asText, type Json, type JsonObject } from "../../json.ts";
import { readYaml } from "../read-yaml.ts";
import type { Answers, EnvironmentAnswers } from "./answers.ts";
import { configFile, type Tree } from "./tree.ts";
import { hostVariable } from "./write-config.ts";

/** Answers out of the flags, and, where these say nothing, out of the `shiplock.yml` that is there already. */
export function withExisting(answers: Answers, tree: Tree): Answers {
  const { raw } = readYaml("shiplock.yml", tree.text(configFile(tree)) ?? "");
  const config = asObject(raw as Json | undefined);
  const environments = Object.entries(asObject(config?.["environments"]) ?? {}).map(([name, value]) =>
    existingEnvironment(name, asObject(value) ?? {}),
  );
  if (config === undefined || environments.length === 0) return answers;
  const registry = asObject(config["registry"]);
  const address = asText(registry?.["address"]);
  const images = Object.values(asObject(config["images"]) ?? {});
  const tls = asText(proxyOf(asObject(Object.values(asObject(config["environments"]) ?? {})[0]) ?? {})?.["tls"]);
  const asked = answers.environments.filter(({ hosts, domain }) => hosts.length > 0 || domain !== undefined);
  return {
    project: answers.project ?? asText(config["project"]),
    environments: [
      ...environments.map((before) => {
        const now = asked.find(({ name }) => name === before.name);
        return {
          name: before.name,
          hosts: now === undefined || now.hosts.length === 0 ? before.hosts : now.hosts,
          domain: now?.domain ?? before.domain,
        };
      }),
      ...asked.filter(({ name }) => !environments.some((before) => before.name === name)),
    ],
    registry:
      answers.registry ?? (address === undefined ? undefined : { address, insecure: registry?.["insecure"] === true }),
    tls: answers.tls ?? (tls === "auto" || tls === "internal" || tls === "off" ? tls : undefined),
    buildNetwork:
      answers.buildNetwork ?? (images.some((image) => asObject(image)?.["network"] === "host") ? "host" : undefined),
    edits: answers.edits,
  };
}

function existingEnvironment(name: string, environment: JsonObject): EnvironmentAnswers {
  const compose = asObject(asObject(environment["target"])?.["compose"]);
  return {
    name,
    hosts: asList(compose?.["hosts"]).flatMap((host) => asText(host) ?? asText(asObject(host)?.["ssh"]) ?? []),
    domain: asText(asObject(environment["variables"])?.[hostVariable]),
  };
}

function proxyOf(environment: JsonObject): JsonObject | undefined {
  return asObject(asObject(asObject(environment["target"])?.["compose"])?.["proxy"]);
}
