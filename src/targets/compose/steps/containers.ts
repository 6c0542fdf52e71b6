import type { Place, ReplicaRef } from "../../../deploy/types.ts";
import { ShiplockError } from "../../../errors.ts";
import type { ContainerSummary } from "../../../hosts/engine.ts";
import { asObject, asText, type JsonObject } from "../../../json.ts";
import type { ReleaseDocument } from "../../../release/types.ts";
import { containerName, label, placedName } from "../layout.ts";
import { ownContainers } from "../own-containers.ts";
import type { ComposeHost, ComposeRun } from "../run.ts";
import type { ContainerSpec } from "../translate.ts";

/** Creates (without starting) the containers of replicas that are not there yet. */
export async function createReplicas(
  host: ComposeHost,
  run: ComposeRun,
  replicas: readonly ReplicaRef[],
): Promise<number> {
  const existing = new Map(
    (await ownContainers(host, run.plan, "app")).map((container) => [container.name, container]),
  );
  const created = await Promise.all(
    replicas.map(async (replica) => {
      const name = containerName(host.layout.id, replica);
      const spec = specOf(host, name);
      const found = existing.get(name);
      if (found !== undefined && isCurrent(found, spec, run)) {
        if (found.status === "created") await finishContainer(host, found.id, spec);
        return false;
      }
      // Something of ours that an earlier, ended attempt left under this name; what is live never has a name of the new place.
      if (found !== undefined) await host.host.engine.removeContainer(found.id, { force: true, volumes: false });
      await createContainer(host, run, spec);
      return true;
    }),
  );
  return created.filter(Boolean).length;
}

/**
 * Replays what Compose asked for: create, connect to further networks, copy files in.
 * @returns the container's id
 */
export async function createContainer(host: ComposeHost, run: ComposeRun, spec: ContainerSpec): Promise<string> {
  const { engine } = host.host;
  const labels = asObject(spec.body["Labels"]) ?? {};
  const reference = asText(spec.body["Image"]) ?? "";
  const imageId = host.imageIds.get(reference) ?? (await engine.inspectImage(reference))?.id;
  if (imageId === undefined) {
    throw new ShiplockError({
      code: "image/missing",
      message: `${host.name} does not have the image ${reference}`,
      remedy: "somebody removed it after the pull; run the deployment again",
    });
  }
  const body: JsonObject = {
    ...spec.body,
    Labels: {
      ...labels,
      // Compose compares this with the image by hand, to know whether it is up to date.
      "com.docker.compose.image": imageId,
      [label.deployment]: run.plan.deployment,
      [label.fence]: String(run.fence),
    },
  };
  const id = await engine.createContainer(spec.name, body);
  await furnish(host, id, spec.connects, spec.archives);
  return id;
}

/** Brings a container that was created but never started to where `createContainer` leaves it: its maker may have died half-way. */
export async function finishContainer(host: ComposeHost, id: string, spec: ContainerSpec): Promise<void> {
  const networks = spec.connects.length === 0 ? {} : ((await host.host.engine.inspectContainer(id))?.networks ?? {});
  const missing = spec.connects.filter(({ network }) => networks[network] === undefined);
  await furnish(host, id, missing, spec.archives);
}

async function furnish(
  host: ComposeHost,
  id: string,
  connects: ContainerSpec["connects"],
  archives: ContainerSpec["archives"],
): Promise<void> {
  const { engine } = host.host;
  for (const { network, endpoint } of connects)
    await engine.connectNetwork(network, { Container: id, EndpointConfig: endpoint });
  for (const { path, tar } of archives) await engine.putArchive(id, path, tar);
}

/** Starts containers that exist; one that runs already is fine. */
export async function startReplicas(host: ComposeHost, replicas: readonly ReplicaRef[]): Promise<void> {
  await Promise.all(replicas.map((replica) => host.host.engine.startContainer(containerName(host.layout.id, replica))));
}

/** Stops containers by signal, then by force after their grace period. A container that is gone is fine. */
export async function stopReplicas(
  host: ComposeHost,
  replicas: readonly ReplicaRef[],
  document: ReleaseDocument | null,
): Promise<void> {
  await Promise.all(
    replicas.map(async (replica) => {
      const found = await host.host.engine.inspectContainer(containerName(host.layout.id, replica));
      if (found === null || !found.state.running) return;
      await host.host.engine.stopContainer(found.id, { graceSeconds: graceSeconds(document, replica.service) });
    }),
  );
}

/** Seconds between SIGTERM and SIGKILL for a service. */
export function graceSeconds(document: ReleaseDocument | null, service: string): number {
  const found = document?.snapshot.services.find((candidate) => candidate.name === service);
  return Math.ceil((found?.stopGraceMs ?? 10_000) / 1000);
}

/**
 * Sets the containers of an in-place deployment aside under another name, so that the new ones can have theirs. They stay until the commit point.
 */
export function asideName(name: string, deployment: string): string {
  return `${name}.before-${deployment}`;
}

/** What Compose wants for a container of this name. */
export function specOf(host: ComposeHost, name: string): ContainerSpec {
  const spec = host.translation.containers.find((candidate) => candidate.name === name);
  if (spec === undefined)
    throw new ShiplockError({
      code: "compose/no-spec",
      blame: "bug",
      message: `Compose did not ask for a container "${name}"`,
    });
  return spec;
}

/** The specs of a service by its name in the final file. */
export function specsOf(host: ComposeHost, service: string): ContainerSpec[] {
  return host.translation.containers.filter((candidate) => candidate.service === service);
}

/** The containers of one service of the new release, by name of the service in the team's compose file. */
export function placedSpecs(host: ComposeHost, service: string, place: Place): ContainerSpec[] {
  return specsOf(host, placedName(service, place));
}

function isCurrent(container: ContainerSummary, spec: ContainerSpec, run: ComposeRun): boolean {
  return (
    container.labels[label.release] === run.document.release.id &&
    container.labels["com.docker.compose.config-hash"] === spec.configHash
  );
}
