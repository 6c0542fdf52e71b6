import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ShiplockError } from "../../src/errors.ts";
import { createDockerEngine } from "../../src/hosts/docker-engine.ts";
import { createEngineTransport } from "../../src/hosts/docker-transport.ts";
import type { Engine } from "../../src/hosts/engine.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An engine that answers a ping, and everything else as told. */
export async function withEngine(answer: Answer, work: (engine: Engine) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "shiplock-engine-"));
  const socket = join(folder, "engine.sock");
  const server = createServer((request, response) => {
    request.on("error", () => undefined);
    if (request.url === "/_ping") response.writeHead(200, { "Api-Version": "1.41" }).end("OK");
    else answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const transport = createEngineTransport({
    ...{ host: "one", socketPath: async () => socket },
    explain: async (cause) => new ShiplockError({ code: "engine/unreachable", message: String(cause) }),
  });
  try {
    await work(createDockerEngine(transport));
  } finally {
    transport.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  }
}
