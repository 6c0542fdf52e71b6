import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { ShiplockError } from "../errors.ts";
import { PROTOCOL } from "./agent.ts";
import { timeoutError } from "./host-errors.ts";
import type { HostFacts } from "./types.ts";

export type AgentHello = HostFacts & { hasFlock: boolean };
/** missing: no socket. denied: this user may not use it. silent: nobody listens there. listening: somebody does. */
export type EngineSocketState = "missing" | "denied" | "silent" | "listening";

/** The deployer's end of the agent: one request after the other is written, answers come in the same order. */
export type AgentClient = {
  /** Resolves with what the host said first; rejects if the stream ends before that. */
  readonly hello: Promise<AgentHello>;
  /**
   * Sends one operation and returns its answer's lines.
   *
   * @param operation words of the first line, after the id
   * @param data lines of data that follow; none may hold a line break
   */
  request(operation: string, data: readonly string[], timeoutMs: number): Promise<string[]>;
  /** Rejects whatever is pending, and everything later, with this error. */
  fail(error: Error): void;
};

type Pending = { lines: string[]; resolve(lines: string[]): void; reject(error: Error): void; timer: NodeJS.Timeout };

/**
 * Speaks with the agent at the other end of the two streams.
 *
 * @param host name of the host, for errors
 */
export function createAgentClient(host: string, toAgent: Writable, fromAgent: Readable): AgentClient {
  const pending = new Map<string, Pending>();
  const greeting: string[] = [];
  const { promise: hello, resolve: greet, reject: refuse } = Promise.withResolvers<AgentHello>();
  let phase: "noise" | "hello" | "ready" = "noise";
  let failure: Error | undefined;
  let lastId = 0;
  // Whoever awaits `hello` or a request hears of it; without a listener of its own, a write to an ended connection would be fatal.
  hello.catch(() => undefined);
  toAgent.on("error", () => undefined);

  function onLine(line: string): void {
    // A login shell may print what it likes before the agent speaks.
    if (phase === "noise") {
      if (line === PROTOCOL) phase = "hello";
      return;
    }
    if (phase === "hello") {
      if (line !== "ready") return void greeting.push(line);
      phase = "ready";
      greet(readHello(greeting));
      return;
    }
    onAnswer(line);
  }

  function onAnswer(line: string): void {
    const space = line.indexOf(" ");
    const id = line.slice(0, space);
    const rest = line.slice(space + 1);
    const waiting = pending.get(id);
    if (waiting === undefined) return;
    if (rest !== ".") return void waiting.lines.push(rest);
    pending.delete(id);
    clearTimeout(waiting.timer);
    waiting.resolve(waiting.lines);
  }

  function fail(error: Error): void {
    failure ??= error;
    refuse(failure);
    for (const waiting of pending.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(failure);
    }
    pending.clear();
  }

  createInterface({ input: fromAgent, crlfDelay: Number.POSITIVE_INFINITY }).on("line", onLine);

  return {
    hello,
    fail,
    request(operation, data, timeoutMs) {
      if (failure !== undefined) return Promise.reject(failure);
      if (data.some((line) => /[\n\r\0]/.test(line))) return Promise.reject(lineBreakError(host));
      lastId += 1;
      const id = String(lastId);
      return new Promise((resolve, reject) => {
        const onTimeout = () => {
          pending.delete(id);
          reject(timeoutError(host, `The request "${operation}"`, timeoutMs));
        };
        pending.set(id, { lines: [], resolve, reject, timer: setTimeout(onTimeout, timeoutMs) });
        toAgent.write(`${[`${id} ${operation}`, ...data].join("\n")}\n`);
      });
    },
  };
}

function readHello(lines: readonly string[]): AgentHello {
  const facts = new Map(lines.map((line) => [line.slice(0, line.indexOf(" ")), line.slice(line.indexOf(" ") + 1)]));
  return {
    uid: Number(facts.get("uid")),
    gid: Number(facts.get("gid")),
    home: facts.get("home") ?? "/",
    hostname: facts.get("hostname") ?? "",
    engineSocket: facts.get("engine") ?? "",
    hasFlock: facts.get("flock") === "yes",
  };
}

function lineBreakError(host: string): ShiplockError {
  return new ShiplockError({
    code: "host/bad-path",
    message: "A folder's path may not hold a line break",
    where: host,
    blame: "usage",
    remedy: "Choose another folder.",
  });
}
