import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

/** What the server does wrong, and to which requests. Everything that is not named is done right. */
export type Misbehaviour = {
  /** Status of every answer. */
  status?: number;
  /** Destroys a connection at its n-th request, counted from 1. */
  resetAtRequest?: number;
  /** Ends a connection after half of the first answer. */
  truncate?: boolean;
  /** Never answers. */
  hang?: boolean;
  /** Answers this many ms late. */
  lateMs?: number;
  /** The version in the header alone. */
  headerVersion?: string;
  /** Gives back another body than was posted. */
  garble?: boolean;
  /** An internal call fails, and says so with status 200. */
  callFails?: boolean;
  webSocket?: "destroy" | "announce" | "close-without-reason" | "swallow" | "refuse";
};

export type MisbehavingServer = {
  url: string;
  version: string;
  misbehaviour: Misbehaviour;
  /** Requests that arrived, answered or not. */
  received: number;
  /** Host headers seen. */
  hosts: Set<string>;
  close(): Promise<void>;
};

/** Speaks the contract of `examples/switchboard` on a free port of the loopback, and can be made to break it. */
export async function startMisbehavingServer(misbehaviour: Misbehaviour = {}): Promise<MisbehavingServer> {
  const requestsOf = new WeakMap<Socket, number>();
  // The client's connections may be silent for 3 s; an honest server outlasts them.
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    collect(request, (body) => answer(request, response, body));
  });
  const sockets = new WebSocketServer({ noServer: true });
  const self: MisbehavingServer = { url: "", version: "v1", misbehaviour, received: 0, hosts: new Set(), close };

  function answer(request: IncomingMessage, response: ServerResponse, body: string): void {
    const wrong = self.misbehaviour;
    self.received += 1;
    self.hosts.add(request.headers.host ?? "");
    const nth = (requestsOf.get(request.socket) ?? 0) + 1;
    requestsOf.set(request.socket, nth);
    if (wrong.hang === true) return;
    if (nth === wrong.resetAtRequest) {
      request.socket.resetAndDestroy();
      return;
    }
    const url = new URL(request.url ?? "/", "http://any");
    const delayMs = (wrong.lateMs ?? 0) + Number(url.searchParams.get("ms") ?? 0);
    const version = self.version; // a request belongs to the release that took it, also when its answer is late
    const text = JSON.stringify(contentOf(url.pathname, body));
    setTimeout(() => {
      response.writeHead(wrong.status ?? 200, {
        "x-version": wrong.headerVersion ?? version,
        "content-length": Buffer.byteLength(text),
      });
      if (wrong.truncate !== true) response.end(text);
      else response.write(text.slice(0, text.length / 2), () => request.socket.destroy());
    }, delayMs);
  }

  function contentOf(path: string, body: string): Record<string, unknown> {
    const { version, misbehaviour: wrong } = self;
    if (path === "/echo") return { version, body: wrong.garble === true ? "something else" : body };
    if (path === "/call") return wrong.callFails === true ? { ok: false, error: "web refused" } : { ok: true, version };
    return { version, instance: "1" };
  }

  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (self.misbehaviour.webSocket === "refuse") {
      socket.end("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => echo(webSocket, socket));
  });

  // Every misbehaviour comes at the third frame, so that a connection has been seen to work before.
  function echo(webSocket: WebSocket, socket: Socket): void {
    let frames = 0;
    // Caddy 2.6 closes with an unmasked frame at a reload, which ws takes for a broken peer.
    webSocket.on("error", () => webSocket.terminate());
    webSocket.on("message", (data) => {
      frames += 1;
      const wrong = frames === 3 ? self.misbehaviour.webSocket : undefined;
      if (wrong === "destroy") socket.destroy();
      else if (wrong === "announce") webSocket.close(1012, "a new release is here");
      else if (wrong === "close-without-reason") webSocket.close();
      else if (wrong !== "swallow") webSocket.send(data.toString());
    });
  }

  function close(): Promise<void> {
    for (const webSocket of sockets.clients) webSocket.terminate();
    server.closeAllConnections();
    return new Promise((resolve, reject) => {
      server.close((error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  self.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return self;
}

function collect(request: IncomingMessage, done: (body: string) => void): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => done(Buffer.concat(chunks).toString()));
  request.on("error", () => request.destroy()); // the client went away; it keeps the account
}
