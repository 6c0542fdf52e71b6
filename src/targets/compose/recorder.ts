import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { JsonObject } from "../../json.ts";

/** A container as Compose asked the engine for it. */
export type RecordedContainer = {
  name: string;
  body: JsonObject;
  /** Networks beyond the first, which older engines take one by one. */
  connects: { network: string; endpoint: JsonObject }[];
  /** Files that Compose copies in (`configs` with content). */
  archives: { path: string; tar: Uint8Array }[];
};

export type Recording = { containers: RecordedContainer[]; networks: JsonObject[]; volumes: JsonObject[] };

/**
 * An engine that has nothing, agrees to everything, and remembers what it was asked to create. Compose talks to it on the deploying side, so the team's compose
 * file is understood by Compose itself, once for all hosts, and what it means is data before anything is touched.
 */
export async function startRecorder(
  socketPath: string,
  apiVersion: string,
): Promise<{ recording: Recording; close(): Promise<void> }> {
  const recording: Recording = { containers: [], networks: [], volumes: [] };
  const server = createServer((request, response) => {
    readBody(request).then(
      (body) => answer(request, body, response),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(socketPath, resolve);
  });
  return {
    recording,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  function answer(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", "http://engine");
    const path = decodeURIComponent(url.pathname.replace(/^\/v\d+\.\d+/, ""));
    const key = `${request.method} ${path}`;
    if (path === "/_ping") return reply(response, 200, "OK");
    if (path === "/version")
      return reply(response, 200, {
        ApiVersion: apiVersion,
        MinAPIVersion: "1.12",
        Version: "recorder",
        Os: "linux",
        Arch: "amd64",
      });
    if (path === "/info")
      return reply(response, 200, {
        OSType: "linux",
        Architecture: "x86_64",
        ServerVersion: "recorder",
        Name: "recorder",
      });
    if (key === "GET /containers/json") return reply(response, 200, []);
    if (key === "GET /networks" || key === "GET /volumes")
      return reply(response, 200, path === "/networks" ? [] : { Volumes: [] });
    if (path.startsWith("/images/")) return reply(response, 200, imageAnswer);
    if (key === "POST /networks/create") return created(response, recording.networks, body, "Id");
    if (key === "POST /volumes/create") return created(response, recording.volumes, body, "Name");
    if (key === "POST /containers/create") return createContainer(response, url.searchParams.get("name") ?? "", body);
    return answerAboutOne(request.method ?? "GET", path, url, body, response);
  }

  function answerAboutOne(method: string, path: string, url: URL, body: Buffer, response: ServerResponse): void {
    const [, collection = "", id = "", verb = ""] = path.split("/");
    if (collection === "networks" && verb === "connect") {
      const { Container: container, EndpointConfig: endpoint } = parse(body);
      find(String(container))?.connects.push({ network: id, endpoint: (endpoint ?? {}) as JsonObject });
      return reply(response, 200, {});
    }
    const container = collection === "containers" ? find(id) : undefined;
    if (container !== undefined && verb === "archive" && method === "PUT") {
      container.archives.push({ path: url.searchParams.get("path") ?? "/", tar: new Uint8Array(body) });
      return reply(response, 200, {});
    }
    if (container !== undefined && verb === "json") return reply(response, 200, inspected(id, container));
    return reply(response, 404, { message: `no such ${collection}` });
  }

  function createContainer(response: ServerResponse, name: string, body: Buffer): void {
    recording.containers.push({ name, body: parse(body), connects: [], archives: [] });
    reply(response, 201, { Id: String(recording.containers.length), Warnings: [] });
  }

  function find(id: string): RecordedContainer | undefined {
    return recording.containers[Number(id) - 1];
  }

  function created(response: ServerResponse, list: JsonObject[], body: Buffer, key: "Id" | "Name"): void {
    const parsed = parse(body);
    list.push(parsed);
    reply(response, 201, { [key]: String(parsed["Name"] ?? "") });
  }

  function reply(response: ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { "content-type": "application/json", "api-version": apiVersion, ostype: "linux" });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  }
}

const imageAnswer = {
  Id: `sha256:${"0".repeat(64)}`,
  RepoTags: [],
  RepoDigests: [],
  Config: {},
  Os: "linux",
  Architecture: "amd64",
};

function inspected(id: string, container: RecordedContainer): JsonObject {
  return {
    Id: id,
    Name: `/${container.name}`,
    State: { Status: "created", Running: false },
    Config: { Labels: container.body["Labels"] ?? {} },
    HostConfig: {},
    NetworkSettings: { Networks: {} },
  };
}

function parse(body: Buffer): JsonObject {
  return JSON.parse(body.toString("utf8")) as JsonObject;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
