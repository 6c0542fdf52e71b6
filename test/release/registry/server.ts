import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { TestContext } from "node:test";
import type { Clock } from "../../../src/clock.ts";
import { createRegistryClient, type RegistryOptions } from "../../../src/release/registry/client.ts";
import { digestOf, OCI_MANIFEST } from "../../../src/release/registry/manifest.ts";
import { imageBytes } from "./images.ts";

type Handler = (request: IncomingMessage, response: ServerResponse, host: string) => void | Promise<void>;

export const image = imageBytes({ os: "linux", architecture: "amd64" }, "1");
export const digest = digestOf(image.manifest);
export const credentials = { username: "ada", password: "s3cret" };
export const basic = `Basic ${Buffer.from("ada:s3cret").toString("base64")}`;

/** A clock whose waiting takes no time and is noted. */
function quickClock(): Clock & { waits: number[] } {
  const waits: number[] = [];
  let passed = 0;
  return {
    waits,
    now: () => new Date(Date.UTC(2026, 0, 1) + passed),
    elapsed: () => passed,
    wait: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      waits.push(milliseconds);
      passed += milliseconds;
    },
  };
}

/** A registry that answers as its handler says, and a client of it whose waiting takes no time. */
export async function serve(context: TestContext, handler: Handler, options: Partial<RegistryOptions> = {}) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    void handler(request, response, host);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const host = `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const clock = quickClock();
  const access = async () => ({ credentials, insecure: true });
  const client = createRegistryClient({ access, clock, random: () => 0.5, ...options });
  return { client, clock, requests, host, main: { registry: host, repository: "shop/web", tag: "main", digest: null } };
}

export function sendManifest(response: ServerResponse, headers: Record<string, string> = {}): void {
  response.writeHead(200, { "content-type": OCI_MANIFEST, "docker-content-digest": digest, ...headers });
  response.end(image.manifest);
}

export function sendJson(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
}
