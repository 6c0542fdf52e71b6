import { ShiplockError } from "../../errors.ts";
import type { Host } from "../../hosts/types.ts";

type PortHost = { name: string; host: Pick<Host, "engine" | "files"> };

/**
 * Refuses ports on which something listens already, with the names of the containers that publish them.
 * @param who who wants the ports, for the sentence
 * @param taken as `listeningPorts` saw them
 * @throws ShiplockError `host/port-taken`
 */
export async function refuseTakenPort(
  host: PortHost,
  who: string,
  ports: readonly number[],
  taken: ReadonlySet<number>,
): Promise<void> {
  const busy = ports.filter((port) => taken.has(port));
  if (busy.length === 0) return;
  const owners = await publishersOf(host, busy);
  throw new ShiplockError({
    code: "host/port-taken",
    blame: "usage",
    message: `port ${busy.join(", ")} on ${host.name} is taken by ${owners.length === 0 ? "a process that is no container" : owners.join(", ")}, and ${who} wants it`,
    remedy: `stop what listens there${owners.length === 0 ? " (`ss -ltnp` shows it)" : ""}, or choose another port`,
  });
}

/** Ports on which something listens, container or not, read from the kernel's own table. */
export async function listeningPorts(host: PortHost): Promise<Set<number>> {
  const tables = await Promise.all(["/proc/net/tcp", "/proc/net/tcp6"].map((path) => host.host.files.read(path)));
  return new Set(tables.flatMap((table) => listeningIn(new TextDecoder().decode(table ?? new Uint8Array()))));
}

/** The ports of the sockets that listen, by a table as `/proc/net/tcp` has it. */
export function listeningIn(table: string): number[] {
  const listening = "0A";
  return table
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === listening)
    .map((fields) => Number.parseInt(fields[1]?.split(":").at(-1) ?? "", 16))
    .filter(Number.isInteger);
}

/** Names of the running containers that publish one of these ports. */
async function publishersOf(host: PortHost, ports: readonly number[]): Promise<string[]> {
  const running = await host.host.engine.listContainers({});
  const containers = await Promise.all(running.map((container) => host.host.engine.inspectContainer(container.id)));
  return containers.flatMap((container) =>
    container?.ports.some((port) => ports.includes(port.hostPort)) ? [container.name] : [],
  );
}
