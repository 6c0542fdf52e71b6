import type { EnvironmentState } from "../../environments/record/types.ts";
import type { Container } from "../../hosts/engine.ts";
import { canonical } from "../../proxy/caddy/traffic.ts";
import type { ReleaseDocument } from "../../release/types.ts";
import type { Observation } from "../types.ts";
import { label } from "./layout.ts";
import { ownContainers } from "./own-containers.ts";
import type { ComposeHost } from "./run.ts";
import { imageOf, isRecorded } from "./steps/images.ts";

/** What runs on a host, seen through the engine, and each way in which it is not what the record says. */
export async function observeHost(
  host: Omit<ComposeHost, "translation">,
  project: string,
  environment: string,
  state: EnvironmentState | null,
  document: ReleaseDocument | null,
): Promise<Observation> {
  const { engine } = host.host;
  const summaries = await ownContainers(host, { project, environment }, "app");
  const inspected = await Promise.all(summaries.map((summary) => engine.inspectContainer(summary.id)));
  const containers = inspected.filter((container) => container !== null);
  const drift =
    state?.live === undefined || state?.live === null || document === null
      ? []
      : await driftOf(host, containers, state, document);
  return {
    host: host.name,
    drift,
    containers: containers.map((container) => ({
      name: container.name,
      service: container.labels[label.service] ?? "",
      release: container.labels[label.release] ?? "",
      place: container.labels[label.place] ?? "",
      status: container.state.status,
      health: container.state.health ?? null,
      restarts: container.restartCount,
      imageId: container.imageId,
    })),
  };
}

async function driftOf(
  host: Omit<ComposeHost, "translation">,
  containers: readonly Container[],
  state: EnvironmentState,
  document: ReleaseDocument,
): Promise<string[]> {
  const { live } = state;
  if (live === null) return [];
  const inPlace = containers.filter(
    (container) => container.labels[label.place] === live.place && container.labels[label.release] === live.release,
  );
  const sentences = document.snapshot.services.flatMap((service) => {
    const mine = inPlace.filter((container) => container.labels[label.service] === service.name);
    const running = mine.filter((container) => container.state.running);
    const image = imageOf(document, service.image);
    const wrong = mine.filter(
      (container) => !isRecorded(image, container.imageId) && !isRecorded(image, container.manifestDigest ?? ""),
    );
    return [
      ...(running.length === service.replicas
        ? []
        : [`${service.name}: ${running.length} of ${service.replicas} containers of ${live.release} run`]),
      ...wrong.map((container) => `${container.name} runs ${container.imageId}, which is no digest of ${live.release}`),
      ...running
        .filter((container) => container.state.health === "unhealthy")
        .map((container) => `${container.name} is unhealthy`),
      ...running
        .filter((container) => container.restartCount > 0)
        .map((container) => `${container.name} was restarted ${container.restartCount} times since it was made`),
    ];
  });
  const strangers = containers.filter(
    (container) => container.state.running && container.labels[label.place] !== live.place && state.operation === null,
  );
  sentences.push(
    ...strangers.map(
      (container) =>
        `${container.name} of ${container.labels[label.release] ?? "an unknown release"} runs beside the live release`,
    ),
  );
  if (live.place !== "direct" && state.operation === null)
    sentences.push(...(await trafficDrift(host, document, live.place)));
  return sentences;
}

async function trafficDrift(
  host: Omit<ComposeHost, "translation">,
  document: ReleaseDocument,
  place: string,
): Promise<string[]> {
  const current = await host.traffic.current();
  const wanted = document.snapshot.services.filter((service) => service.port !== null);
  const wrong = wanted.filter((service) => {
    const shares = current[service.name] ?? [];
    return shares.length !== service.replicas || shares.some((share) => share.slot !== place);
  });
  return wrong.length === 0
    ? []
    : [
        `traffic of ${wrong.map((service) => service.name).join(", ")} is not on the live release: ${canonical(current)}`,
      ];
}
