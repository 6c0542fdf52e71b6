import { spawn } from "node:child_process";
import { isAbsolute, join } from "node:path";
import { messageOf, ShiplockError } from "../errors.ts";
import { localAgentArguments } from "./agent.ts";
import { createAgentClient, type EngineSocketState } from "./agent-client.ts";
import { createDockerEngine } from "./docker-engine.ts";
import { createEngineTransport } from "./docker-transport.ts";
import { explainSilence } from "./engine-route.ts";
import { cancelledError, hostLostError } from "./host-errors.ts";
import { createLeases } from "./lease.ts";
import { createLocalFiles } from "./local-files.ts";
import { createTcpDoors } from "./local-tcp.ts";
import type { Scratch } from "./ssh-scratch.ts";
import type { ConnectOptions, Host, HostAddress, HostLost } from "./types.ts";

export type LocalAddress = Extract<HostAddress, { kind: "local" }>;

/** A Unix socket of this machine says by its error what an SSH connection hides. */
function socketState(cause: unknown): EngineSocketState {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code;
  if (code === "ENOENT") return "missing";
  if (code === "EACCES" || code === "EPERM") return "denied";
  return code === "ECONNREFUSED" ? "silent" : "listening";
}

/**
 * This machine as a host: the engine by its own socket, files without SFTP, and the same agent for leases. The session that a take-over ends is
 * this very process.
 */
export async function connectLocal(address: LocalAddress, options: ConnectOptions, scratch: Scratch): Promise<Host> {
  const { name, root, engineSocket } = address;
  if (options.signal?.aborted === true) throw cancelledError(name, options.signal.reason);
  const [program, args] = localAgentArguments();
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"], detached: true });
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => resolve());
    child.once("error", () => resolve());
  });
  const agent = createAgentClient(name, child.stdin, child.stdout);
  const timer = setTimeout(() => agent.fail(agentFailed(name, "it did not answer in time")), options.connectTimeoutMs);
  const abort = () => agent.fail(cancelledError(name, options.signal?.reason));
  options.signal?.addEventListener("abort", abort, { once: true });
  child.once("error", (cause) => agent.fail(agentFailed(name, messageOf(cause))));
  void ended.then(() => agent.fail(agentFailed(name, "it ended")));
  const { hasFlock, ...hello } = await agent.hello
    .catch((error: unknown) => {
      child.kill("SIGKILL");
      throw error;
    })
    .finally(() => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", abort);
    });

  const { promise: lost, resolve: tellLost } = Promise.withResolvers<HostLost>();
  let gone: HostLost | undefined;
  const lostError = () => (gone === undefined ? undefined : hostLostError(name, gone.message));

  function lose(reason: HostLost): void {
    if (gone !== undefined) return;
    gone = reason;
    leases.stop();
    agent.fail(hostLostError(name, reason.message));
    transport.close();
    tcp.closeAll();
    tellLost(reason);
    child.stdin.end();
  }

  const transport = createEngineTransport({
    host: name,
    async socketPath() {
      const error = lostError();
      if (error !== undefined) throw error;
      return engineSocket;
    },
    async explain(cause, request, answered) {
      const state = socketState(cause);
      // Nothing is forwarded here, so a socket that somebody listens on and that was cut was cut by the engine.
      const silence = { host: name, socket: engineSocket, request, cause, answered: answered || state === "listening" };
      return lostError() ?? explainSilence(silence, state);
    },
  });
  const leases = createLeases({ host: name, home: root, hasFlock, agent, onLost: lose });
  const tcp = createTcpDoors(scratch, lostError);
  void ended.then(() => lose({ reason: "connection", message: "the agent ended" }));

  return {
    name,
    facts: { ...hello, home: root, engineSocket },
    engine: createDockerEngine(transport),
    files: createLocalFiles(name, root, lostError),
    async forwardSocket(path) {
      const error = lostError();
      if (error !== undefined) throw error;
      return isAbsolute(path) ? path : join(root, path);
    },
    forwardTcp: tcp.open,
    lease: leases.take,
    inspectLease: leases.inspect,
    lost,
    async close() {
      lose({ reason: "closed", message: "it was closed" });
      await ended;
      await tcp.remove();
    },
  };
}

function agentFailed(name: string, reason: string): ShiplockError {
  return new ShiplockError({
    code: "host/agent-failed",
    message: `The session on ${name} could not be started: ${reason}`,
    where: name,
    remedy: "Check that `sh` runs on this machine and that it is not out of processes or memory.",
  });
}
