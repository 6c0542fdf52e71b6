import { replicasOf } from "../../deploy/strategies/types.ts";
import { strategyServices } from "../../deploy/strategies/services.ts";
import type { ReplicaRef } from "../../deploy/types.ts";
import type { HostLook } from "../../environments/watch/types.ts";
import { messageOf } from "../../errors.ts";
import type { LookRequest } from "../types.ts";
import { containerName } from "./layout.ts";
import type { ComposeHost } from "./run.ts";
import { probeOnce, serviceOf } from "./steps/probe.ts";

/** How the containers of a release are on a host: each asked by its own service's health check. A host that does not answer is told as one that was not seen. */
export async function lookAtHost(host: ComposeHost, request: LookRequest): Promise<HostLook> {
  try {
    const replicas = replicasOf(request.place, strategyServices(request.document.snapshot));
    const looks = await Promise.all(replicas.map((replica) => lookAtReplica(host, replica, request)));
    return {
      host: host.name,
      seen: true,
      problems: looks.flatMap(({ problem }) => problem ?? []),
      containers: looks.flatMap(({ container }) => container ?? []),
    };
  } catch (error) {
    return { host: host.name, seen: false, why: messageOf(error) };
  }
}

type ReplicaLook = { problem: string | null; container: { name: string; restarts: number } | null };

async function lookAtReplica(
  host: ComposeHost,
  replica: ReplicaRef,
  { document, mask, signal }: LookRequest,
): Promise<ReplicaLook> {
  const name = containerName(host.layout.id, replica);
  const { engine } = host.host;
  const found = await engine.inspectContainer(name);
  if (found === null) return { problem: `${name} is gone from ${host.name}`, container: null };
  const container = { name, restarts: found.restartCount };
  if (!found.state.running)
    return { problem: `${name} on ${host.name} does not run (${found.state.status})`, container };
  const failure = await probeOnce(host, { mask }, replica, serviceOf(document, replica.service), found, signal);
  if (failure === null) return { problem: null, container };
  // A host that is gone answers no probe either: that is no word about the container.
  await engine.inspectContainer(name);
  return { problem: `${name} on ${host.name} is not healthy: ${failure}`, container };
}
