import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as SecureAgent, request as httpsRequest } from "node:https";
import type { Socket } from "node:net";
import type { Stream } from "./mix.ts";
import type { LoadTarget } from "./types.ts";
import { type Expectation, judgeAnswer, judgeError, type Verdict } from "./verdict.ts";

/** How a request ended, and on what kind of connection. */
export type Exchange = Verdict & { tookMs: number; reused: boolean; idleMs?: number };

/** Takes a connection for one request: an agent that keeps one open, or `false` for a fresh one that is closed afterwards. */
export type Connections = { take(): Agent | false; close(): void };

export type Sending = {
  stream: Stream;
  agent: Agent | false;
  payload: string | undefined;
  slowMs: number;
  /** From sending to the last byte. */
  timeoutMs: number;
  mayAnswer: (version: string) => boolean;
  now: () => number;
};

/** A request on its way. `giveUp` ends it as timed out, with that message. */
export type Sent = { giveUp: (message: string) => void };

/**
 * Keeps `count` connections and uses them in turn. When the one in turn is still busy a further one is opened and closed afterwards:
 * arrivals never wait for each other.
 * @param secure whether they are to a target with `https:`
 */
export function keptConnections(count: number, secure: boolean): Connections {
  const Kind = secure ? SecureAgent : Agent;
  const agents = Array.from({ length: count }, () => new Kind({ keepAlive: true, maxFreeSockets: 1 }));
  let turn = 0;
  return {
    take: () => agents[turn++ % agents.length] ?? false,
    close: () => {
      for (const agent of agents) agent.destroy();
    },
  };
}

/** Every request opens a connection of its own, and asks for it to be closed. */
export function freshConnections(): Connections {
  return { take: () => false, close: () => undefined };
}

/** When each connection's last answer ended. */
const silentSince = new WeakMap<Socket, number>();

/** Sends one request and calls `done` exactly once, whatever happens. Nothing is tried again. */
export function send(sending: Sending, done: (exchange: Exchange) => void): Sent {
  const { stream, payload, now } = sending;
  const sentMs = now();
  let idleMs: number | undefined;
  let settled = false;
  const request = open(sending);
  const timer = setTimeout(() => giveUp(`no complete answer after ${sending.timeoutMs} ms`), sending.timeoutMs);

  function settle(verdict: Verdict): void {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    const idle = idleMs === undefined ? {} : { idleMs };
    done({ ...verdict, ...idle, tookMs: now() - sentMs, reused: request.reusedSocket });
  }
  function giveUp(message: string): void {
    settle({ class: "timed-out", message });
    request.destroy();
  }

  request.on("socket", (socket) => {
    const since = silentSince.get(socket);
    if (since !== undefined) idleMs = now() - since;
  });
  // Also after it has been settled: destroying a request may raise one more error, which then says nothing new.
  request.on("error", (error) => settle(judgeError(error)));
  request.on("response", (response) => receive(response));

  function receive(response: IncomingMessage): void {
    let body = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      body += chunk;
    });
    response.on("error", (error) => settle(judgeError(error)));
    response.on("end", () => {
      if (request.socket !== null) silentSince.set(request.socket, now());
      const header = response.headers["x-version"];
      const answer = {
        status: response.statusCode ?? 0,
        versionHeader: Array.isArray(header) ? header.join(", ") : header,
        body,
      };
      const expected: Expectation = {
        kind: stream.kind,
        plain: stream.target.plainPath !== undefined,
        mayAnswer: sending.mayAnswer,
        ...(payload === undefined ? {} : { payload }),
      };
      settle(judgeAnswer(answer, expected));
    });
    response.on("close", () =>
      settle({ class: "reset", message: "the connection closed before the answer was complete" }),
    );
  }

  request.end(payload);
  return { giveUp };
}

function open({ stream, agent, payload, slowMs }: Sending): ClientRequest {
  const { target, kind } = stream;
  const headers: Record<string, string | number> = target.host === undefined ? {} : { host: target.host };
  if (payload !== undefined) {
    headers["content-type"] = "text/plain; charset=utf-8";
    headers["content-length"] = Buffer.byteLength(payload);
  }
  const method = payload === undefined ? "GET" : "POST";
  const url = new URL(pathOf(kind, target, slowMs), target.url);
  const options = { method, agent, headers };
  return isSecure(target) ? httpsRequest(url, { ...options, ...trustOf(target) }) : httpRequest(url, options);
}

/** Whether a target is asked over TLS. */
export function isSecure(target: LoadTarget): boolean {
  return target.url.startsWith("https:");
}

/** Which name and whose signature the certificate of a target has to have. */
export function trustOf({ host, ca }: LoadTarget): { servername?: string; ca?: string } {
  return { ...(host === undefined ? {} : { servername: host }), ...(ca === undefined ? {} : { ca }) };
}

function pathOf(kind: Stream["kind"], target: LoadTarget, slowMs: number): string {
  if (target.plainPath !== undefined) return target.plainPath;
  switch (kind) {
    case "keep-alive-get":
    case "idle-get":
    case "fresh-get":
      return "/";
    case "keep-alive-post":
    case "idle-post":
    case "fresh-post":
      return "/echo";
    case "slow":
      return `/slow?ms=${slowMs}`;
    case "internal-call":
      return "/call";
  }
}
