import { ShiplockError } from "../../errors.ts";
import type { Host } from "../../hosts/types.ts";
import type { LogLine, LogRequest } from "../types.ts";
import { label } from "./layout.ts";
import { mergeStreams } from "./merge-streams.ts";
import type { Whose } from "./ownership.ts";

type LogHost = { readonly name: string; readonly host: Host };

/**
 * What the containers of an environment wrote: of the released services those that run, of services that are named all.
 * @throws ShiplockError `logs/unknown-service` when no host has a container of a named service
 */
export async function* logsOf(
  hosts: readonly LogHost[],
  { project, environment }: Whose,
  request: LogRequest,
): AsyncIterable<LogLine> {
  const streams: AsyncIterable<LogLine>[] = [];
  const known = new Set<string>();
  for (const host of hosts) {
    const containers = await host.host.engine.listContainers({
      all: true,
      labels: [`${label.project}=${project}`, `${label.environment}=${environment}`],
    });
    for (const container of containers) {
      const service = container.labels[label.service] ?? container.labels["com.docker.compose.service"] ?? "";
      known.add(service);
      if (
        request.services.length > 0
          ? !request.services.includes(service)
          : container.labels[label.kind] !== "app" || container.status !== "running"
      )
        continue;
      streams.push(containerLog(host, container.id, container.name, service, request));
    }
  }
  const unknown = request.services.filter((name) => !known.has(name));
  if (unknown.length > 0) throw noSuchService(unknown, known, environment);
  yield* mergeStreams(streams);
}

function noSuchService(unknown: readonly string[], known: ReadonlySet<string>, environment: string): ShiplockError {
  const own = [...known].filter((name) => !name.startsWith("shiplock-")).sort();
  return new ShiplockError({
    code: "logs/unknown-service",
    blame: "usage",
    message: `${environment} has no container of ${unknown.join(", ")}`,
    remedy: own.length === 0 ? "deploy first" : `name one of: ${own.join(", ")}`,
  });
}

async function* containerLog(
  host: LogHost,
  id: string,
  name: string,
  service: string,
  request: LogRequest,
): AsyncIterable<LogLine> {
  for await (const { line } of host.host.engine.logs(id, {
    tail: request.tail,
    follow: request.follow,
    signal: request.signal,
  })) {
    yield { host: host.name, container: name, service, line };
  }
}
