import { Agent, type IncomingMessage, request as httpRequest } from "node:http";
import { Readable, pipeline } from "node:stream";
import { messageOf, ShiplockError } from "../errors.ts";
import { EngineError } from "./engine.ts";
import { engineRefusal } from "./engine-refusal.ts";
import { cancelledError } from "./host-errors.ts";
import { isObject, type JsonObject, type JsonValue, textAt } from "./json.ts";

/** How the engine of one host is reached, and what a silent socket means there. */
export type EngineRoute = {
  /** Name of the host, for errors. */
  host: string;
  /** Path of a local Unix socket that leads to the engine. May reject with a ShiplockError that says why there is none. */
  socketPath(): Promise<string>;
  /**
   * The error to throw for a socket that refused, was reset or closed early; it looks for the cause first. `answered` says whether the
   * engine has ever answered on this route.
   */
  explain(cause: unknown, request: string, answered: boolean): Promise<ShiplockError>;
};

export type EngineCall = {
  method: "GET" | "POST" | "PUT" | "DELETE" | "HEAD";
  /** Without the version prefix. */
  path: string;
  query?: Record<string, string | undefined>;
  body?: JsonObject;
  /** A tar archive instead of a JSON body. */
  tar?: Uint8Array;
  /** The same as it comes; it is read no faster than the engine takes it, and not to its end if the answer comes first. */
  upload?: AsyncIterable<Uint8Array>;
  headers?: Record<string, string>;
  timeoutMs?: number;
  signal?: AbortSignal | undefined;
  /** A stream has its own connection and its timeout covers only the answer's head. */
  stream?: boolean;
  /** On a connection of its own. */
  fresh?: boolean;
};

export type EngineAnswer = { status: number; text: string };

/** HTTP to one engine; the version is negotiated once, before the first call. */
export type EngineTransport = {
  host: string;
  /** The negotiated version, as "1.41". */
  apiVersion(options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<string>;
  /** Any answer below 400 resolves, others reject with an EngineError, except a status listed in `allow`. */
  call(call: EngineCall, allow?: readonly number[]): Promise<EngineAnswer>;
  /** The same, with the parsed body; null for a status listed in `allow`. */
  json(call: EngineCall, allow?: readonly number[]): Promise<JsonValue>;
  /** An answer whose body is read as it comes; the caller has to read it to the end or destroy it. */
  open(call: EngineCall): Promise<IncomingMessage>;
  /** Ends all open sockets; pending calls reject. */
  close(): void;
};

/** The newest version whose answers this code was written for; engine 29 still speaks it. */
const NEWEST_API = "1.48";
/** Engine 20.10. */
const OLDEST_API = "1.41";
const DEFAULT_TIMEOUT_MS = 30_000;
const NEGOTIATION_MS = 10_000;

function minorOf(version: string): number {
  return Number(version.split(".")[1] ?? 0);
}

function pathOf(call: EngineCall, version: string): string {
  const given = Object.entries(call.query ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const query = new URLSearchParams(given).toString();
  return `${version === "" ? "" : `/v${version}`}${call.path}${query === "" ? "" : `?${query}`}`;
}

function engineMessageOf(text: string): string {
  try {
    const parsed: unknown = JSON.parse(text);
    return isObject(parsed) ? textAt(parsed, "message") : text;
  } catch {
    return text;
  }
}

/**
 * HTTP to the engine at the end of `route`, over kept connections. Does nothing until the first call.
 *
 * @param maxSockets connections held at once; further calls wait their turn
 */
export function createEngineTransport(route: EngineRoute, maxSockets = 24): EngineTransport {
  const agent = new Agent({ keepAlive: true, maxSockets, scheduling: "lifo" });
  let negotiation: Promise<string> | undefined;
  let answered = false;

  async function send(call: EngineCall, version: string): Promise<IncomingMessage> {
    const name = `${call.method} ${call.path}`;
    const socketPath = await route.socketPath();
    if (call.signal?.aborted === true) throw cancelledError(route.host, call.signal.reason);
    const body = call.tar ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
    const timeoutMs = call.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      const headers: Record<string, string | number> = { Host: "docker", ...call.headers };
      if (body !== undefined) {
        headers["Content-Type"] = call.tar === undefined ? "application/json" : "application/x-tar";
        headers["Content-Length"] = Buffer.byteLength(body);
      }
      if (call.upload !== undefined) headers["Content-Type"] = "application/x-tar";
      const request = httpRequest({
        socketPath,
        method: call.method,
        path: pathOf(call, version),
        headers,
        agent: call.stream === true || call.fresh === true ? false : agent,
      });
      // The timer covers the body too, unless it is a stream: a head without a body is no answer.
      const timer = setTimeout(() => giveUp(engineTimeout(route.host, name, timeoutMs)), timeoutMs);
      const abort = () => giveUp(cancelledError(route.host, call.signal?.reason));
      let answering: IncomingMessage | undefined;
      const giveUp = (error: Error) => {
        answering?.destroy(error);
        request.destroy(error);
      };
      call.signal?.addEventListener("abort", abort, { once: true });
      const settle = () => {
        clearTimeout(timer);
        call.signal?.removeEventListener("abort", abort);
      };
      request.on("error", (error) => {
        settle();
        if (error instanceof ShiplockError) return reject(error);
        reject(Object.assign(error, { reusedSocket: request.reusedSocket }));
      });
      request.on("response", (response) => {
        if (call.stream === true) clearTimeout(timer);
        answering = response;
        response.on("close", settle);
        resolve(response);
      });
      if (call.upload === undefined) request.end(body);
      // What fails on either side ends both; the request tells it.
      else {
        const source = Readable.from(call.upload, { objectMode: false });
        // A pipeline only aborts a request, as if the engine had cut it; what failed in the source is the reason.
        source.once("error", (error) => {
          if (!request.destroyed) request.destroy(error);
        });
        pipeline(source, request, () => undefined);
      }
    });
  }

  async function sendAndExplain(call: EngineCall, version: string): Promise<IncomingMessage> {
    try {
      return await send(call, version);
    } catch (error) {
      if (error instanceof ShiplockError) throw error;
      // A kept connection may have been closed by the other end just now; only what changes nothing is asked again.
      const again = call.method === "GET" && (error as { reusedSocket?: boolean }).reusedSocket === true;
      if (again) return send({ ...call, fresh: true }, version).catch((second: unknown) => rethrow(second, call));
      return rethrow(error, call);
    }
  }

  async function rethrow(error: unknown, call: EngineCall): Promise<never> {
    if (error instanceof ShiplockError) throw error;
    throw await route.explain(error, `${call.method} ${call.path}`, answered);
  }

  async function readAll(response: IncomingMessage, call: EngineCall): Promise<string> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of response) chunks.push(chunk as Buffer);
    } catch (error) {
      return rethrow(error, call);
    }
    return Buffer.concat(chunks).toString("utf8");
  }

  async function negotiate(): Promise<string> {
    const call: EngineCall = { method: "GET", path: "/_ping", timeoutMs: NEGOTIATION_MS };
    const response = await sendAndExplain(call, "");
    const text = await readAll(response, call);
    if ((response.statusCode ?? 0) >= 400) {
      throw engineRefusal(route.host, "GET /_ping", response.statusCode ?? 0, engineMessageOf(text));
    }
    answered = true;
    const offered = response.headers["api-version"];
    const theirs = typeof offered === "string" ? offered : "1.0";
    if (minorOf(theirs) < minorOf(OLDEST_API)) throw tooOld(route.host, theirs);
    return minorOf(theirs) < minorOf(NEWEST_API) ? theirs : NEWEST_API;
  }

  /** All first callers share one negotiation; each waits for it within its own bounds. */
  async function apiVersion(bounds: { timeoutMs?: number; signal?: AbortSignal | undefined } = {}): Promise<string> {
    // A failed negotiation is not kept: the engine may be back at the next call.
    negotiation ??= negotiate().catch((error: unknown) => {
      negotiation = undefined;
      throw error;
    });
    const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = bounds;
    const { promise: givenUp, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(engineTimeout(route.host, "GET /_ping", timeoutMs)), timeoutMs);
    const abort = () => reject(cancelledError(route.host, signal?.reason));
    if (signal?.aborted === true) abort();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      return await Promise.race([negotiation, givenUp]);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  async function answer(call: EngineCall, allow: readonly number[]): Promise<EngineAnswer> {
    const response = await sendAndExplain(call, await apiVersion(call));
    const text = await readAll(response, call);
    const status = response.statusCode ?? 0;
    if (status >= 400 && !allow.includes(status)) {
      throw engineRefusal(route.host, `${call.method} ${call.path}`, status, engineMessageOf(text));
    }
    return { status, text };
  }

  return {
    host: route.host,
    apiVersion,
    async call(call, allow = []) {
      return answer(call, allow);
    },
    async json(call, allow = []) {
      const { status, text } = await answer(call, allow);
      if (allow.includes(status)) return null;
      return parseAnswer(route.host, `${call.method} ${call.path}`, text);
    },
    async open(call) {
      const response = await sendAndExplain({ ...call, stream: true }, await apiVersion(call));
      const status = response.statusCode ?? 0;
      if (status < 400) return response;
      const text = await readAll(response, call);
      throw engineRefusal(route.host, `${call.method} ${call.path}`, status, engineMessageOf(text));
    },
    close() {
      agent.destroy();
    },
  };
}

function parseAnswer(host: string, request: string, text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    const message = `The engine on ${host} answered something that is not JSON: ${messageOf(cause)}`;
    throw new EngineError({ code: "engine/failed", host, request, message, cause });
  }
}

function engineTimeout(host: string, request: string, timeoutMs: number): EngineError {
  const message = `The engine on ${host} did not answer within ${timeoutMs} ms`;
  const remedy = "Check the load of the host and `journalctl -u docker` there, then run the command again.";
  return new EngineError({ code: "engine/timeout", host, request, message, remedy });
}

function tooOld(host: string, offered: string): EngineError {
  const message = `The engine on ${host} speaks API ${offered}; Shiplock needs ${OLDEST_API} (Docker 20.10) or newer`;
  return new EngineError({
    code: "engine/too-old",
    host,
    request: "GET /_ping",
    message,
    remedy: "Update Docker on that host.",
  });
}
