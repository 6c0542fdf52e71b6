import { connect } from "node:net";
import type { ReplicaRef } from "../../../deploy/types.ts";
import { messageOf, ShiplockError } from "../../../errors.ts";
import type { Container } from "../../../hosts/engine.ts";
import { probeHeader, routerFiles } from "../../../proxy/caddy/router-config.ts";
import type { ReleaseDocument, SnapshotService } from "../../../release/types.ts";
import { requestOverSocket, type SocketAnswer } from "../../../socket-http.ts";
import { containerName } from "../layout.ts";
import { routerFolder } from "../routers.ts";
import type { ComposeHost, ComposeRun } from "../run.ts";
import { probingGeneration } from "./generations.ts";

/** One look at a replica's health: null if it passed, otherwise why not. */
export async function probeOnce(
  host: ComposeHost,
  { mask }: Pick<ComposeRun, "mask">,
  replica: ReplicaRef,
  service: SnapshotService,
  container: Container,
  signal: AbortSignal,
): Promise<string | null> {
  const { probe, timeoutMs } = service.health;
  try {
    switch (probe.kind) {
      case "docker":
        return container.state.health === undefined
          ? "the image has no HEALTHCHECK"
          : container.state.health === "healthy"
            ? null
            : `Docker says ${container.state.health}`;
      case "command": {
        const result = await host.host.engine.exec(container.id, probe.command, { timeoutMs, signal });
        return result.exitCode === 0 ? null : commandFailed(probe.command, result, mask);
      }
      case "tcp":
        return await probeTcp(host, container, service, timeoutMs);
      case "http": {
        const answer = await ask(host, replica, service, container, probe.path, timeoutMs, signal);
        return statusFits(probe.status, answer.status) ? null : `GET ${probe.path} answered ${answer.status}`;
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error);
  }
}

/**
 * Asks one replica. In a slot the router's probe server asks, on the very way that traffic will take; in place the host's own
 * address of the container does.
 */
export async function ask(
  host: ComposeHost,
  replica: ReplicaRef,
  service: SnapshotService,
  container: Container,
  path: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<SocketAnswer> {
  const name = containerName(host.layout.id, replica);
  if (replica.place === "direct") {
    const socketPath = await host.host.forwardTcp(addressOf(container), service.port ?? 0);
    return requestOverSocket({
      socketPath,
      path,
      headers: { host: `${service.name}:${service.port}` },
      timeoutMs,
      signal,
    });
  }
  const router = routerFolder(host.layout, await probingGeneration(host));
  const socketPath = await host.host.forwardSocket(`${router}/${routerFiles.probe}`);
  const answer = await requestOverSocket({
    socketPath,
    // The router asks the replica on a connection of its own in any case.
    keepConnection: true,
    path,
    headers: { host: `${service.name}:${service.port}`, [probeHeader]: `${name}:${service.port}` },
    timeoutMs,
    signal,
  });
  if (answer.status === 502 && answer.headers["server"] === "Caddy" && answer.body === "")
    throw new ShiplockError({
      code: "health/refused",
      message: `${name} does not accept connections on port ${service.port}`,
    });
  return answer;
}

function addressOf(container: Container): string {
  const address = Object.values(container.networks).find((network) => network.ipAddress !== "")?.ipAddress;
  if (address === undefined)
    throw new ShiplockError({ code: "health/no-address", message: `${container.name} has no address on any network` });
  return address;
}

async function probeTcp(
  host: ComposeHost,
  container: Container,
  service: SnapshotService,
  timeoutMs: number,
): Promise<string | null> {
  const socketPath = await host.host.forwardTcp(addressOf(container), service.port ?? 0);
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const settle = (answer: string | null): void => {
      clearTimeout(open);
      socket.destroy();
      resolve(answer);
    };
    // A forwarded connection is accepted here first and closed when the far end refuses: one that stays open is a pass.
    const open = setTimeout(() => settle(null), Math.min(150, timeoutMs));
    socket.on("data", () => settle(null));
    socket.on("close", () => settle(`port ${service.port} does not accept connections`));
    socket.on("error", (error) => settle(error.message));
  });
}

export function serviceOf(document: ReleaseDocument, name: string): SnapshotService {
  const service = document.snapshot.services.find((candidate) => candidate.name === name);
  if (service === undefined)
    throw new ShiplockError({
      code: "release/no-service",
      blame: "bug",
      message: `${document.name} has no service "${name}"`,
    });
  return service;
}

/** Whether a status is as demanded. */
export function statusFits(wanted: "2xx" | readonly number[], status: number): boolean {
  return wanted === "2xx" ? status >= 200 && status < 300 : wanted.includes(status);
}

/** What a command came to that did not end with 0, with the last line it wrote; masked as a whole, since that line may be the end of a secret. */
export function commandFailed(
  command: readonly string[],
  { exitCode, stdout, stderr }: { exitCode: number; stdout: string; stderr: string },
  mask: (text: string) => string,
): string {
  const last =
    mask(stderr || stdout)
      .trim()
      .split("\n")
      .at(-1) ?? "";
  return `\`${command.join(" ")}\` ended with exit code ${exitCode}${last === "" ? "" : `: ${last}`}`;
}
