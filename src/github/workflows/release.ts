import { isLocalRepository } from "../../config/local-repository.ts";
import type { Config, Environment } from "../../config/types.ts";
import {
  actionStep,
  checkout,
  environmentOf,
  hostsOf,
  packagesPermission,
  permissions,
  runsOn,
  timeout,
} from "./job.ts";
import { neededToTag } from "./needed.ts";
import type { WorkflowInput } from "./types.ts";
import { entry, mapping, type Mapping } from "./yaml.ts";

const tagMs = 15 * 60_000;

/** The workflow that gives a published Release's name to the images that ran. Null where there is nothing to name, or where the deployment of the tag does it. */
export function releaseWorkflow(input: WorkflowInput): Mapping | null {
  const { config } = input;
  const environment = versionedEnvironment(config);
  if (environment === null || environment.gates.on.tags.length > 0) return null;
  return mapping(
    entry("name", "Release"),
    entry("on", mapping(entry("release", mapping(entry("types", ["published"])))), { apart: true }),
    entry("permissions", mapping(), { apart: true, above: ["Every job says what it may do."] }),
    entry(
      "jobs",
      mapping(
        entry(
          "tag",
          mapping(
            entry("name", "name ${{ github.event.release.tag_name }}"),
            runsOn(config),
            timeout(tagMs),
            environmentOf(environment.name),
            permissions({
              contents: "read",
              "id-token": neededToTag(config).cloud ? "write" : undefined,
              packages: packagesPermission(config, "write"),
            }),
            entry("steps", [
              checkout(null, true),
              tagStep(input, environment, "github.event.release.tag_name", {
                above: ["The images that ran there get the name; nothing is built."],
              }),
            ]),
          ),
        ),
      ),
      { apart: true },
    ),
  );
}

/**
 * Gives a name to the images of the commit that is checked out.
 * @param version expression
 */
export function tagStep(
  input: WorkflowInput,
  environment: Environment,
  version: string,
  more: { readonly above?: readonly string[]; readonly if?: string },
): Mapping {
  return actionStep(input, {
    name: "shiplock tag",
    ...more,
    inputs: { command: "tag", version: `\${{ ${version} }}`, environment: environment.name },
    needed: neededToTag(input.config),
    hosts: hostsOf([environment]),
  });
}

/** The environment whose images get the names of versions; null where images go to no registry, or nobody can say which one it is. */
export function versionedEnvironment({ environments, images }: Config): Environment | null {
  const all = Object.values(environments);
  const shipped = Object.values(images).some(({ repository }) => !isLocalRepository(repository));
  if (!shipped) return null;
  return environments["production"] ?? (all.length === 1 ? (all[0] ?? null) : null);
}
