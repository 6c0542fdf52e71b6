import { isAbsolute, join } from "node:path/posix";
import { ShiplockError } from "../errors.ts";
import { LEASE_SLOTS } from "./agent.ts";
import type { AgentClient } from "./agent-client.ts";
import { hostLostError } from "./host-errors.ts";
import { isObject, textAt } from "./json.ts";
import type { HostLost, LeaseAnswer, LeaseOwner, LeaseRequest, LeaseState } from "./types.ts";

/** Leases through the agent of one connection. */
export type Leases = {
  take(request: LeaseRequest): Promise<LeaseAnswer>;
  inspect(folder: string): Promise<LeaseState>;
  /** Ends all heartbeats; the leases themselves end with the session. */
  stop(): void;
};

export type LeaseContext = {
  host: string;
  home: string;
  hasFlock: boolean;
  agent: AgentClient;
  /** Called when a lease turns out to be gone; the whole connection is worth nothing then. */
  onLost(lost: HostLost): void;
};

const UNKNOWN_OWNER: LeaseOwner = { deployment: "", who: "unknown", from: "unknown", since: "", command: "" };
/** Ending another session and waiting for its lock takes the agent up to a few seconds. */
const TAKE_TIMEOUT_MS = 30_000;
const SHORTEST_TTL_MS = 300;

/** What an `owner` file says; null if it is empty or not ours. */
export function readOwner(line: string): LeaseOwner | null {
  if (line.trim() === "") return null;
  try {
    const parsed: unknown = JSON.parse(line);
    if (!isObject(parsed)) return null;
    return {
      deployment: textAt(parsed, "deployment"),
      who: textAt(parsed, "who"),
      from: textAt(parsed, "from"),
      since: textAt(parsed, "since"),
      command: textAt(parsed, "command"),
    };
  } catch {
    // A half-written line names nobody; the lock itself, not this file, decides.
    return null;
  }
}

function afterWord(lines: readonly string[], word: string): string {
  const line = lines.find((each) => each === word || each.startsWith(`${word} `)) ?? "";
  return line.slice(word.length + 1);
}

/** Leases through `context.agent`; does nothing until the first call. */
export function createLeases(context: LeaseContext): Leases {
  const free = new Set<number>(LEASE_SLOTS);
  const timers = new Map<number, NodeJS.Timeout>();

  const absolute = (folder: string) => (isAbsolute(folder) ? folder : join(context.home, folder));

  function endHeartbeat(slot: number): void {
    clearInterval(timers.get(slot));
    timers.delete(slot);
  }

  function lose(lost: HostLost): ShiplockError {
    for (const slot of timers.keys()) endHeartbeat(slot);
    context.onLost(lost);
    return hostLostError(context.host, lost.message);
  }

  async function sendBeat(slot: number, ttlMs: number): Promise<void> {
    let answer: string[];
    try {
      answer = await context.agent.request(`beat ${slot}`, [], Math.max(ttlMs, 10_000));
    } catch (cause) {
      const silent = cause instanceof ShiplockError && cause.code === "host/timeout";
      if (silent) throw lose({ reason: "heartbeat", message: "the host did not answer a heartbeat in time" });
      throw cause;
    }
    if (answer[0] === "ok") return;
    throw lose({
      reason: "lease",
      message: "the lease of the environment's folder is gone (someone else took it, or the folder was removed)",
    });
  }

  function granted(slot: number, request: LeaseRequest, lines: readonly string[]): LeaseAnswer {
    let released: Promise<void> | undefined;
    const timer = setInterval(() => {
      // A failed heartbeat is told through `lost`, and by the next call of whoever works here.
      sendBeat(slot, request.ttlMs).catch(() => undefined);
    }, request.ttlMs / 3);
    timer.unref();
    timers.set(slot, timer);
    async function releaseOnce(): Promise<void> {
      endHeartbeat(slot);
      await context.agent.request(`release ${slot}`, [], 10_000);
      free.add(slot);
    }
    const before = readOwner(afterWord(lines, "owner"));
    return {
      kind: "granted",
      fence: Number(afterWord(lines, "granted")),
      ...(before === null ? {} : { tookOver: before }),
      async beat() {
        if (released !== undefined) throw hostLostError(context.host, "the lease was released");
        await sendBeat(slot, request.ttlMs);
      },
      release() {
        released ??= releaseOnce();
        return released;
      },
    };
  }

  async function take(request: LeaseRequest): Promise<LeaseAnswer> {
    if (!context.hasFlock) throw flockMissing(context.host);
    const slot = [...free][0];
    if (slot === undefined) throw leaseFailed(context.host, "one connection holds five leases at most");
    free.delete(slot);
    const ticks = Math.ceil(Math.max(request.ttlMs, SHORTEST_TTL_MS) / 10);
    let lines: string[];
    try {
      const data = [absolute(request.folder), JSON.stringify(request.owner)];
      lines = await context.agent.request(`lease ${slot} ${ticks}`, data, TAKE_TIMEOUT_MS);
    } catch (cause) {
      // The slot stays taken after a timeout: the agent may still grant it.
      if (!(cause instanceof ShiplockError) || cause.code !== "host/timeout") free.add(slot);
      throw cause;
    }
    const word = (lines[0] ?? "").split(" ")[0];
    if (word === "granted") return granted(slot, request, lines);
    free.add(slot);
    const owner = readOwner(afterWord(lines, "owner"));
    if (word === "held") return { kind: "held", owner: owner ?? UNKNOWN_OWNER, ...readHeld(lines) };
    if (word === "stuck") return { kind: "stuck", owner, reason: afterWord(lines, "stuck") };
    throw leaseFailed(context.host, afterWord(lines, "failed") || lines.join(" "));
  }

  async function inspect(folder: string): Promise<LeaseState> {
    const lines = await context.agent.request("inspect", [absolute(folder)], TAKE_TIMEOUT_MS);
    const owner = readOwner(afterWord(lines, "owner"));
    const fence = Number(afterWord(lines, "free") || afterWord(lines, "fence"));
    if (!lines.some((line) => line.startsWith("held "))) {
      return owner === null ? { kind: "free", fence } : { kind: "free", fence, abandonedBy: owner };
    }
    return { kind: "held", fence, owner, ...readHeld(lines) };
  }

  return {
    take,
    inspect,
    stop() {
      for (const slot of timers.keys()) endHeartbeat(slot);
    },
  };
}

function readHeld(lines: readonly string[]): { heartbeatAgeMs: number; expired: boolean } {
  const [age = "0", expired = "no"] = afterWord(lines, "held").split(" ");
  return { heartbeatAgeMs: Math.max(0, Number(age)), expired: expired === "yes" };
}

function flockMissing(host: string): ShiplockError {
  return new ShiplockError({
    code: "host/flock-missing",
    message: `${host} has no \`flock\` program, which the lease of an environment needs`,
    where: host,
    remedy: "Install the package util-linux there.",
  });
}

function leaseFailed(host: string, reason: string): ShiplockError {
  return new ShiplockError({
    code: "host/lease-failed",
    message: `The lease on ${host} could not be taken: ${reason}`,
    where: host,
    remedy: "Check that the user of the SSH connection may write to the folder, and that the disk has room.",
  });
}
