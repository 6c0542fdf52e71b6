import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type FleetRequest = { method: string; path: string; headers: Readonly<Record<string, string>>; body: string };
/** Null: nobody listens there, the connection is closed without an answer. */
export type FleetAnswer = { status: number; headers?: Readonly<Record<string, string>>; body?: string } | null;
export type Responder = (host: string, target: string, request: FleetRequest) => FleetAnswer;

/**
 * Local sockets that stand for what connections forward: one per host and target, shared by all worlds, as many worlds live one after another.
 */
export type SocketFleet = {
  forward(host: string, target: string): Promise<string>;
  /** Who answers from now on. */
  answerBy(responder: Responder): void;
  close(): Promise<void>;
};

export async function openSocketFleet(): Promise<SocketFleet> {
  const folder = await mkdtemp(join(tmpdir(), "fleet-"));
  const sockets = new Map<string, { path: string; server: Server; listening: Promise<void> }>();
  let responder: Responder = () => null;

  function open(host: string, target: string): { path: string; server: Server; listening: Promise<void> } {
    const path = join(folder, `${sockets.size}.sock`);
    const server = createServer((request, response) => {
      readRequest(request).then(
        (read) => {
          const answer = responder(host, target, read);
          if (answer === null) return response.destroy();
          response.writeHead(answer.status, answer.headers ?? {}).end(answer.body ?? "");
        },
        () => response.destroy(),
      );
    });
    server.unref();
    const listening = new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
    return { path, server, listening };
  }

  return {
    forward: async (host, target) => {
      const key = `${host} ${target}`;
      const socket = sockets.get(key) ?? open(host, target);
      sockets.set(key, socket);
      await socket.listening;
      return socket.path;
    },
    answerBy: (next) => {
      responder = next;
    },
    close: async () => {
      await Promise.all(
        [...sockets.values()].map(
          ({ server }) =>
            new Promise<void>((resolve) => {
              server.close(() => resolve());
              server.closeAllConnections();
            }),
        ),
      );
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function readRequest(request: IncomingMessage): Promise<FleetRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  return {
    method: request.method ?? "GET",
    path: request.url ?? "/",
    headers,
    body: Buffer.concat(chunks).toString("utf8"),
  };
}
