import { waitFor } from "../../../clock.ts";
import { ShiplockError } from "../../../errors.ts";
import { asText } from "../../../json.ts";
import { ownContainers } from "../own-containers.ts";
import type { ComposeHost, ComposeRun } from "../run.ts";
import type { ContainerSpec } from "../translate.ts";
import { createContainer, finishContainer, specsOf } from "./containers.ts";
import { lastLines } from "./last-lines.ts";

const backingReadyMs = 120_000;

/** Creates the networks and volumes of the compose file that are not there; what is there stays as it is. */
export async function ensureNetworksAndVolumes(host: ComposeHost): Promise<number> {
  const { engine } = host.host;
  const networks = host.translation.networks.map(async (body) => {
    const name = asText(body["Name"]) ?? "";
    if ((await engine.inspectNetwork(name)) !== null) return false;
    await engine.createNetwork(body);
    return true;
  });
  const volumes = host.translation.volumes.map(async (body) => {
    const name = asText(body["Name"]) ?? "";
    if ((await engine.inspectVolume(name)) !== null) return false;
    await engine.createVolume(body);
    return true;
  });
  return (await Promise.all([...networks, ...volumes])).filter(Boolean).length;
}

/** Starts backing services that have no container; one that has is never touched, not even when it is stopped. */
export async function startBacking(
  host: ComposeHost,
  run: ComposeRun,
  services: readonly string[],
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<number> {
  await ensureNetworksAndVolumes(host);
  const started = await Promise.all(
    services.flatMap((service) =>
      specsOf(host, service).map(async (spec) => {
        const existing = await host.host.engine.inspectContainer(spec.name);
        // One that was created by an attempt that died before its start is ours to start.
        if (existing !== null && existing.state.status !== "created") return false;
        if (existing !== null) await finishContainer(host, existing.id, spec);
        const id = existing?.id ?? (await createFromPublicImage(host, run, spec, log));
        await host.host.engine.startContainer(id);
        await awaitBacking(host, run, spec.name, signal);
        return true;
      }),
    ),
  );
  return started.filter(Boolean).length;
}

/** Creates a container whose image is not part of the release, pulling it where the host lacks it. */
export async function createFromPublicImage(
  host: ComposeHost,
  run: ComposeRun,
  spec: ContainerSpec,
  log: (line: string) => void,
): Promise<string> {
  const reference = asText(spec.body["Image"]) ?? "";
  if ((await host.host.engine.inspectImage(reference)) === null) {
    log(`pulling ${reference}`);
    await host.host.engine.pullImage(
      reference,
      liesBesideRelease(run, reference) ? await run.auth?.(reference) : undefined,
    );
  }
  return createContainer(host, run, spec);
}

/** Whether an image lies in a registry of the release's own: what lies elsewhere is public, and no login is looked for. */
function liesBesideRelease(run: ComposeRun, reference: string): boolean {
  const { images } = run.document.release;
  return Object.values(images).some(({ repository }) => hostPart(repository) === hostPart(reference));
}

function hostPart(reference: string): string {
  return reference.slice(0, reference.indexOf("/") + 1);
}

async function awaitBacking(host: ComposeHost, run: ComposeRun, name: string, signal: AbortSignal): Promise<void> {
  const ready = await waitFor(run.clock, { timeoutMs: backingReadyMs, intervalMs: 200, signal }, async () => {
    const container = await host.host.engine.inspectContainer(name);
    if (container === null || container.state.status === "exited" || container.state.status === "dead") return "ended";
    if (!container.state.running) return null;
    return container.state.health === undefined || container.state.health === "healthy" ? "ready" : null;
  });
  if (ready === "ready") return;
  throw new ShiplockError({
    code: "backing/not-ready",
    message: `the backing service ${name} on ${host.name} ${ready === "ended" ? "exited right after its start" : `was not healthy within ${backingReadyMs / 1000} s`}`,
    remedy: "mend the service in the compose file, remove its container, and run the command again",
    details: await lastLines(host, name),
  });
}

/** The containers of backing services of the environment on this host, by service. */
export async function backingServices(
  host: Pick<ComposeHost, "host">,
  project: string,
  environment: string,
): Promise<Map<string, { id: string; configHash: string }>> {
  const containers = await ownContainers(host, { project, environment }, "backing");
  return new Map(
    containers.map((container) => [
      container.labels["com.docker.compose.service"] ?? container.name,
      { id: container.id, configHash: container.labels["com.docker.compose.config-hash"] ?? "" },
    ]),
  );
}
