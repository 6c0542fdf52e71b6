import {
  Agent,
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from "node:http";
import { request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import { checkServerIdentity, TLSSocket } from "node:tls";
import { ShiplockError } from "./errors.ts";

export type SocketRequest = {
  socketPath: string;
  method?: string;
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  timeoutMs: number;
  /**
   * Over TLS, for this name: the certificate has to name it. Who signed it is not judged here, since the machine that asks need not trust those whom the users trust.
   */
  tlsName?: string;
  signal?: AbortSignal;
  /** Most bytes of the answer that are kept; 4 MB unless given. */
  keepBytes?: number;
  /** Uses a connection of an earlier request that said so too, and leaves it open for the next: a round trip less. For requests that may be repeated. */
  keepConnection?: boolean;
};

export type SocketAnswer = { status: number; headers: Readonly<Record<string, string>>; body: string };

const mostKeptBytes = 4 * 1024 * 1024;
const keeping = new Agent({ keepAlive: true });

/**
 * One HTTP request over a Unix socket, on a connection of its own unless `keepConnection` is set.
 * @throws ShiplockError `http/no-answer` when there is no whole answer in time
 */
export function requestOverSocket(options: SocketRequest): Promise<SocketAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void =>
      reject(
        new ShiplockError({ code: "http/no-answer", message: `${options.method ?? "GET"} ${options.path}: ${why}` }),
      );
    const { tlsName } = options;
    const kept = options.keepConnection === true && tlsName === undefined;
    const wanted: RequestOptions = {
      socketPath: options.socketPath,
      method: options.method ?? "GET",
      path: options.path,
      headers: { ...(kept ? {} : { connection: "close" }), ...options.headers },
      agent: kept ? keeping : false,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    };
    const begin = (answered: (incoming: IncomingMessage) => void): ClientRequest =>
      tlsName === undefined
        ? httpRequest(wanted, answered)
        : httpsRequest({ ...wanted, servername: tlsName, rejectUnauthorized: false }, answered);
    let answering = false;
    const outgoing = begin((incoming) => {
      answering = true;
      const misnamed = tlsName === undefined ? undefined : nameProblem(incoming.socket, tlsName);
      if (misnamed !== undefined) {
        fail(misnamed.message);
        outgoing.destroy();
        return;
      }
      readAnswer(incoming, options.keepBytes ?? mostKeptBytes).then(resolve, (error: Error) => fail(error.message));
    });
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      outgoing.destroy(new Error(`no answer within ${options.timeoutMs} ms`));
    }, options.timeoutMs);
    outgoing.on("error", (error) => {
      // The other side may have closed the kept connection at this very moment: then nothing was asked yet.
      const isStale = outgoing.reusedSocket && !timedOut && !answering && options.signal?.aborted !== true;
      if (isStale) resolve(requestOverSocket({ ...options, keepConnection: false }));
      else fail(error.message);
    });
    outgoing.on("close", () => clearTimeout(timer));
    outgoing.end(options.body);
  });
}

function readAnswer(incoming: IncomingMessage, keepBytes: number): Promise<SocketAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  incoming.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size <= keepBytes) chunks.push(chunk);
  });
  return new Promise((resolve, reject) => {
    incoming.on("error", reject);
    incoming.on("end", () => {
      const headers = Object.entries(incoming.headers).map(
        ([name, value]) => [name, Array.isArray(value) ? value.join(", ") : (value ?? "")] as const,
      );
      const body = Buffer.concat(chunks).toString("utf8");
      resolve({ status: incoming.statusCode ?? 0, headers: Object.fromEntries(headers), body });
    });
  });
}

/** Why a certificate is not one for this name; undefined where it is. */
function nameProblem(socket: Socket, name: string): Error | undefined {
  if (!(socket instanceof TLSSocket)) return new Error("the connection is not over TLS");
  return checkServerIdentity(name, socket.getPeerCertificate());
}
