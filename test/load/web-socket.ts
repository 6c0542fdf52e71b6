import { type RawData, WebSocket } from "ws";
import { isSecure, trustOf } from "./request.ts";
import type { Tally } from "./tally.ts";
import type { LoadTarget } from "./types.ts";
import { judgeError, type Verdict } from "./verdict.ts";

/** Codes by which a server announces that it goes away: "going away" and "service restart". */
const ANNOUNCED_CODES: ReadonlySet<number> = new Set([1001, 1012]);
/** A frame this young may have crossed the close frame on its way; an older one should have been answered. */
const CROSSING_MS = 1000;
/** After a failure; at once after an announced close. */
const RECONNECT_MS = 250;
/** How long a server may leave the connection open after its close frame. */
const CLOSING_MS = 1000;

export type Echoing = {
  target: LoadTarget;
  /** Tells this connection's frames from another's. */
  name: string;
  everyMs: number;
  /** For an echo, and for a connection to open. */
  timeoutMs: number;
  tally: Tally;
  now: () => number;
};

export type EchoLine = {
  /** Sends no more; what is under way may still be answered. */
  pause(): void;
  /** Ends it; echoes still pending are lost. */
  close(): void;
};

/** Keeps one WebSocket to `/ws` open, sends a frame at a time and wants each back; opens the next after a close. */
export function keepEchoing(echoing: Echoing): EchoLine {
  const { tally, now, target } = echoing;
  const pending = new Map<string, number>();
  const givenUp = new Set<string>();
  let sequence = 0;
  let state: "echoing" | "paused" | "ended" = "echoing";
  let current: WebSocket | undefined;
  let timer: NodeJS.Timeout | undefined;
  /** When the connection that is not open yet was begun. */
  let connectingMs: number | undefined;

  function end(verdict: Verdict, tookMs: number, reused: boolean): void {
    tally.end({ ...verdict, kind: "websocket", target: target.name, atMs: now(), tookMs, expectedMs: 0, reused });
  }

  function connect(): void {
    if (state !== "echoing") return;
    const startedMs = now();
    connectingMs = startedMs;
    let opened = false;
    let failure: Verdict = { class: "reset", message: "closed before the WebSocket was open" };
    tally.begin("websocket", target.name, 0);
    const url = new URL("/ws", target.url);
    url.protocol = isSecure(target) ? "wss:" : "ws:";
    const socket = new WebSocket(url, {
      handshakeTimeout: echoing.timeoutMs,
      perMessageDeflate: false,
      ...trustOf(target),
      ...(target.host === undefined ? {} : { headers: { host: target.host } }),
    });
    current = socket;

    socket.on("open", () => {
      opened = true;
      connectingMs = undefined;
      tally.webSockets.open += 1;
      tally.webSockets.opened += 1;
      end({ class: "ok", message: "" }, now() - startedMs, false);
      beat(socket);
    });
    socket.on("message", (data, isBinary) => receive(data, isBinary));
    socket.on("unexpected-response", (request, response) => {
      const status = response.statusCode ?? 0;
      failure = {
        class: status >= 500 ? "5xx" : "unexpected-status",
        status,
        message: `status ${status} instead of an upgrade`,
      };
      request.destroy();
      socket.terminate();
    });
    socket.on("error", (error) => {
      if (failure.status !== undefined) return; // the refusal was kept already; this is our own termination
      failure = error.message.includes("handshake has timed out")
        ? { class: "timed-out", message: error.message }
        : judgeError(error);
    });
    socket.on("close", (code, reason) => {
      clearTimeout(timer);
      if (opened) tally.webSockets.open -= 1;
      if (state === "ended") return;
      connectingMs = undefined;
      if (!opened) end(failure, now() - startedMs, false);
      else closed(code, reason.toString());
      const wait = opened && ANNOUNCED_CODES.has(code) ? 0 : RECONNECT_MS;
      timer = setTimeout(connect, wait);
    });
  }

  function beat(socket: WebSocket): void {
    loseOlderThan(echoing.timeoutMs, `not echoed within ${echoing.timeoutMs} ms`);
    if (socket.readyState === WebSocket.CLOSING) {
      timer = setTimeout(() => socket.terminate(), CLOSING_MS);
      return;
    }
    if (socket.readyState !== WebSocket.OPEN) return;
    if (state === "echoing") {
      const text = `${echoing.name} ${sequence++}`;
      pending.set(text, now());
      tally.begin("websocket", target.name, 0);
      socket.send(text);
    }
    timer = setTimeout(() => beat(socket), echoing.everyMs);
  }

  function receive(data: RawData, isBinary: boolean): void {
    const text = data.toString();
    const sentMs = pending.get(text);
    if (sentMs === undefined && givenUp.delete(text)) return; // late, and counted as lost already
    if (sentMs === undefined || isBinary) {
      tally.begin("websocket", target.name, 0);
      end({ class: "wrong-body", message: `a frame that was not sent: ${text.slice(0, 80)}` }, 0, true);
      return;
    }
    pending.delete(text);
    tally.webSockets.echoes += 1;
    end({ class: "ok", message: "" }, now() - sentMs, true);
  }

  function closed(code: number, reason: string): void {
    const announced = ANNOUNCED_CODES.has(code);
    const how = `closed with code ${code}${reason === "" ? "" : ` (${reason})`}`;
    if (announced) {
      tally.webSockets.closedAnnounced += 1;
      loseOlderThan(CROSSING_MS, `not echoed before it was ${how}`);
      for (let left = pending.size; left > 0; left -= 1) tally.excuseCrossing();
      pending.clear();
      return;
    }
    loseOlderThan(-1, `not echoed before it was ${how}`);
    tally.begin("websocket", target.name, 0);
    end({ class: "websocket-closed-unannounced", message: how }, 0, true);
  }

  function loseOlderThan(ageMs: number, message: string): void {
    for (const [text, sentMs] of pending) {
      const tookMs = now() - sentMs;
      if (tookMs <= ageMs) continue;
      pending.delete(text);
      givenUp.add(text);
      end({ class: "websocket-echo-lost", message }, tookMs, true);
    }
  }

  connect();
  return {
    pause: () => {
      state = state === "ended" ? state : "paused";
    },
    close: () => {
      if (state === "ended") return;
      state = "ended";
      clearTimeout(timer);
      loseOlderThan(-1, "not echoed before the run ended");
      if (connectingMs !== undefined) {
        end({ class: "timed-out", message: "not open when the run ended" }, now() - connectingMs, false);
      }
      if (current?.readyState === WebSocket.OPEN) current.close(1000);
      else current?.terminate();
    },
  };
}
