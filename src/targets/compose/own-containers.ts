import type { ContainerSummary } from "../../hosts/engine.ts";
import type { Host } from "../../hosts/types.ts";
import { label } from "./layout.ts";

/** What the containers of an environment are: of a released service, a migration, a backing service, a router, the holder of a published port. */
export type OwnKind = "app" | "migration" | "backing" | "router" | "port";

/**
 * The containers of one kind that an environment has on a host, found by their labels.
 * @param state whether those that do not run are wanted too
 */
export async function ownContainers(
  { host }: { host: Pick<Host, "engine"> },
  { project, environment }: { project: string; environment: string },
  kind: OwnKind,
  state: "any" | "running" = "any",
): Promise<ContainerSummary[]> {
  return host.engine.listContainers({
    all: state === "any",
    labels: [`${label.project}=${project}`, `${label.environment}=${environment}`, `${label.kind}=${kind}`],
  });
}
