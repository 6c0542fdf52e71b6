import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { streamsOf } from "./mix.ts";
import type { FromWorker, LoadOptions, LoadReport, LoadSnapshot, ToWorker } from "./types.ts";

export { formatReport, lossesOf } from "./report.ts";
export type { LoadOptions, LoadReport, LoadSnapshot, LoadTarget, Loss } from "./types.ts";

/** `now` as the load stands, `then` as it stood when the waiting began. */
export type LoadCondition = (now: LoadSnapshot, then: LoadSnapshot) => boolean;

/** A load that is running. Every promise is rejected when its process has died. */
export type LoadRun = {
  /**
   * From when it resolves, only these versions may answer; `undefined` allows any. A request that spans the change may be answered by either side
   * of it. So: allow old and new before a deployment, and the new one alone after it.
   */
  setAllowed(versions: Iterable<string> | undefined): Promise<void>;
  /** Starts a phase of the report. */
  mark(label: string): void;
  snapshot(): Promise<LoadSnapshot>;
  /** Waits until the condition holds; looks every 100 ms. Rejected after `timeoutMs`, with the load as it stood then. */
  waitFor(condition: LoadCondition, timeoutMs: number): Promise<LoadSnapshot>;
  /**
   * Ends arrivals, waits for what is in flight and reports. What has no answer `deadlineMs` later has timed out; the default lets
   * every request have its own full time. Repeated calls get the same report.
   */
  stop(options?: { deadlineMs?: number }): Promise<LoadReport>;
  /** Ends the load's process at once, without a report; after `stop` it does nothing. */
  [Symbol.asyncDispose](): Promise<void>;
};

const ASK_TIMEOUT_MS = 10_000;
const STOP_MARGIN_MS = 10_000;

/**
 * Starts open-loop load in a process of its own: requests leave when they are due, not when earlier ones were answered.
 * @throws Error when no target takes any of the kinds asked for
 */
export function startLoad(options: LoadOptions): LoadRun {
  streamsOf(options); // throws here, where the mistake is, rather than in the worker
  const child = fork(fileURLToPath(new URL("./worker.ts", import.meta.url)), [], {
    execArgv: [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const link = connectTo(child);
  link.tell({ type: "start", options });
  let stopped: Promise<LoadReport> | undefined;

  async function snapshot(): Promise<LoadSnapshot> {
    const answer = await link.ask((id) => ({ type: "snapshot", id }), ASK_TIMEOUT_MS);
    if (answer.type !== "snapshot") throw new Error(`the load process answered ${answer.type} to snapshot`);
    return answer.snapshot;
  }

  async function stop(deadlineMs: number | undefined): Promise<LoadReport> {
    const longestMs = deadlineMs ?? (options.slowMs ?? 4000) + (options.timeoutMs ?? 10_000) + 1000;
    try {
      link.tell({ type: "stop", deadlineMs });
      const told = await link.wait(
        (message) => message.type === "report",
        longestMs + STOP_MARGIN_MS,
        () => "the report",
      );
      if (told.type !== "report") throw new Error(`the load process answered ${told.type} to stop`);
      return told.report;
    } finally {
      await link.close();
    }
  }

  return {
    setAllowed: async (versions) => {
      const list = versions === undefined ? undefined : [...versions];
      await link.ask((id) => ({ type: "allow", id, versions: list }), ASK_TIMEOUT_MS);
    },
    mark: (label) => link.tell({ type: "mark", label }),
    snapshot,
    waitFor: async (condition, timeoutMs) => {
      const then = await snapshot();
      let now = then;
      function holds(message: FromWorker): boolean {
        if (message.type !== "snapshot") return false;
        now = message.snapshot;
        return condition(now, then);
      }
      if (!condition(then, then))
        await link.wait(holds, timeoutMs, () => `the condition; the load stands at ${JSON.stringify(now)}`);
      return now;
    },
    stop: ({ deadlineMs } = {}) => {
      stopped ??= stop(deadlineMs);
      return stopped;
    },
    [Symbol.asyncDispose]: () => link.close(),
  };
}

/** Holds when `count` more requests were ok than when the waiting began. */
export function okSince(count: number): LoadCondition {
  return (now, then) => now.ok - then.ok >= count;
}

/** Holds when the version has answered `count` more requests than when the waiting began. */
export function answeredBy(version: string, count: number): LoadCondition {
  return (now, then) => (now.versions[version] ?? 0) - (then.versions[version] ?? 0) >= count;
}

type Link = {
  tell(message: ToWorker): void;
  ask(message: (id: number) => ToWorker, timeoutMs: number): Promise<FromWorker>;
  wait(matches: (message: FromWorker) => boolean, timeoutMs: number, what: () => string): Promise<FromWorker>;
  close(): Promise<void>;
};

type Waiting = { hear: (message: FromWorker) => void; fail: (error: Error) => void };

/** Speaks with the worker. Waiting ends with a message, the deadline, or the worker's death, whichever comes first. */
function connectTo(child: ChildProcess): Link {
  const waiting = new Set<Waiting>();
  let complaint = "";
  let death: Error | undefined;
  let ids = 0;
  const gone = new Promise<void>((resolve) => {
    function end(why: string): void {
      death ??= new Error(`the load process ${why}${complaint === "" ? "" : `:\n${complaint}`}`);
      for (const one of waiting) one.fail(death);
      resolve();
    }
    // Not "close": Node 24 does not tell it after `disconnect`. The last words on stderr may come after "exit".
    child.once("exit", (code, signal) => {
      const why = `has ended (${signal ?? `exit ${code}`})`;
      if (child.stderr === null || child.stderr.closed) end(why);
      else child.stderr.once("close", () => end(why));
    });
    child.on("error", (error) => end(`failed: ${error.message}`));
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-4000);
  });
  child.on("message", (message) => {
    for (const one of waiting) one.hear(message as FromWorker);
  });

  function tell(message: ToWorker): void {
    if (death === undefined && child.connected) child.send(message);
  }

  function wait(matches: (message: FromWorker) => boolean, timeoutMs: number, what: () => string): Promise<FromWorker> {
    if (death !== undefined) return Promise.reject(death);
    return new Promise((resolve, reject) => {
      const one: Waiting = {
        hear: (message) => {
          if (matches(message)) settle(() => resolve(message));
        },
        fail: (error) => settle(() => reject(error)),
      };
      const timer = setTimeout(() => one.fail(new Error(`waited ${timeoutMs} ms for ${what()}`)), timeoutMs);
      function settle(conclude: () => void): void {
        clearTimeout(timer);
        waiting.delete(one);
        conclude();
      }
      waiting.add(one);
    });
  }

  return {
    tell,
    wait,
    ask: (message, timeoutMs) => {
      const id = ids++;
      const answer = wait(
        (heard) => heard.type !== "report" && heard.id === id,
        timeoutMs,
        () => "an answer of the load process",
      );
      tell(message(id));
      return answer;
    },
    close: async () => {
      if (child.connected) child.disconnect();
      const timer = setTimeout(() => child.kill("SIGKILL"), 2000);
      await gone;
      clearTimeout(timer);
    },
  };
}
