import { type ChildProcess, spawn } from "node:child_process";
import { watch } from "node:fs";
import { isAbsolute, join } from "node:path/posix";
import { messageOf, ShiplockError } from "../errors.ts";
import { type AgentClient, type AgentHello, createAgentClient, type EngineSocketState } from "./agent-client.ts";
import { createDockerEngine } from "./docker-engine.ts";
import { createEngineTransport } from "./docker-transport.ts";
import { EngineError } from "./engine.ts";
import { explainSilence } from "./engine-route.ts";
import { cancelledError, hostLostError } from "./host-errors.ts";
import { createLeases } from "./lease.ts";
import { createSftp, type Sftp } from "./sftp.ts";
import { createSftpFiles } from "./sftp-files.ts";
import {
  checkDestination,
  forwardArguments,
  masterArguments,
  sftpArguments,
  socketTarget,
  tcpTarget,
} from "./ssh-command.ts";
import { clientMissing, connectTimeout, diagnoseConnect, type SshFailure } from "./ssh-diagnosis.ts";
import type { Scratch } from "./ssh-scratch.ts";
import { absolutePath } from "./tree-guard.ts";
import type { ConnectOptions, Host, HostAddress, HostLost } from "./types.ts";

export type SshAddress = Extract<HostAddress, { kind: "ssh" }>;

/** What a connector gives to each of its connections. */
export type SshSurroundings = {
  scratch: Scratch;
  /** Told of every `ssh` that lives as long as its connection, so that none outlives the process. */
  onStart(child: ChildProcess): void;
};

const FILE_TIMEOUT_MS = 30_000;
const FORWARD_TIMEOUT_MS = 10_000;
const CLOSE_GRACE_MS = 2_000;
/** From the end of the agent's output to the end of `ssh`, which then has said why. */
const STOP_GRACE_MS = 1_000;
const STDERR_LIMIT = 32_768;

/** One `ssh` process tree: the master with the agent, and what runs over it. */
type Wire = {
  address: SshAddress;
  folder: string;
  controlPath: string;
  master: ChildProcess;
  agent: AgentClient;
  stderr(): string;
  /** Resolves when the master has ended. */
  ended: Promise<number | null>;
};

// Detached: Ctrl-C in a terminal goes to the whole process group, and must not cut the connection under a deployer that still cleans up.
function spawnSsh(args: string[], stdio: "pipe" | "ignore"): ChildProcess {
  return spawn("ssh", args, { stdio: [stdio, "pipe", "pipe"], detached: true });
}

function collectText(child: ChildProcess): () => string {
  let text = "";
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    text = (text + chunk).slice(-STDERR_LIMIT);
  });
  return () => text;
}

function endOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once("close", (code) => resolve(code));
    child.once("error", () => resolve(null));
  });
}

function startMaster(
  address: SshAddress,
  folder: string,
  options: ConnectOptions,
  surroundings: SshSurroundings,
): Wire {
  const controlPath = join(folder, "c");
  const { destination, sshConfig } = address;
  const { connectTimeoutMs } = options;
  const master = spawnSsh(
    masterArguments({ destination, controlPath, connectTimeoutMs, ...(sshConfig === undefined ? {} : { sshConfig }) }),
    "pipe",
  );
  const ended = endOf(master);
  const stderr = collectText(master);
  surroundings.onStart(master);
  if (master.stdin === null || master.stdout === null) throw new Error("ssh was started without pipes");
  const agent = createAgentClient(address.name, master.stdin, master.stdout);
  return { address, folder, controlPath, master, agent, stderr, ended };
}

/** Starts SFTP as soon as the connection takes further sessions, which is earlier than the agent's first word. */
function startSftpEarly(wire: Wire, surroundings: SshSurroundings): { sftp: Promise<Sftp>; stop(): void } {
  const { promise, resolve } = Promise.withResolvers<Sftp>();
  let started = false;
  const start = () => {
    if (started) return;
    started = true;
    watcher.close();
    const child = spawnSsh(sftpArguments(wire.controlPath), "pipe");
    surroundings.onStart(child);
    const stderr = collectText(child);
    if (child.stdin === null || child.stdout === null) throw new Error("ssh was started without pipes");
    const sftp = createSftp(wire.address.name, child.stdin, child.stdout, FILE_TIMEOUT_MS);
    void endOf(child).then(() => sftp.fail(sftpEnded(wire.address.name, stderr())));
    resolve(sftp);
  };
  const watcher = watch(wire.folder, (_event, name) => {
    if (name === "c") start();
  });
  watcher.on("error", () => undefined);
  wire.agent.hello.then(start, () => watcher.close());
  return { sftp: promise, stop: () => watcher.close() };
}

function sftpEnded(host: string, stderr: string): ShiplockError {
  return new ShiplockError({
    code: "ssh/sftp-missing",
    message: `The SFTP session on ${host} ended${stderr.trim() === "" ? "" : `: ${stderr.trim()}`}`,
    where: host,
    remedy: "Check `Subsystem sftp` in /etc/ssh/sshd_config on that host (`internal-sftp` always works).",
  });
}

/** Waits for the agent and SFTP, or for the first thing that goes wrong. */
async function establish(
  wire: Wire,
  sftp: Promise<Sftp>,
  options: ConnectOptions,
): Promise<{ hello: AgentHello; sftp: Sftp }> {
  const { name, destination } = wire.address;
  const failure = (exitCode: number | null): SshFailure => ({ name, destination, stderr: wire.stderr(), exitCode });
  const { promise: broken, reject } = Promise.withResolvers<never>();
  wire.master.once("error", (cause) => reject(clientMissing(name, cause)));
  void wire.ended.then((exitCode) => reject(diagnoseConnect(failure(exitCode))));
  // A forced command that ends leaves the master waiting for its other sessions.
  wire.master.stdout?.once("end", () => {
    setTimeout(() => reject(diagnoseConnect(failure(wire.master.exitCode))), STOP_GRACE_MS).unref();
  });
  const timer = setTimeout(
    () => reject(connectTimeout(failure(null), options.connectTimeoutMs)),
    options.connectTimeoutMs,
  );
  const abort = () => reject(cancelledError(name, options.signal?.reason));
  options.signal?.addEventListener("abort", abort, { once: true });
  // While its folder was made, say: an event that has been is heard by nobody.
  if (options.signal?.aborted === true) abort();
  broken.catch(() => undefined);
  try {
    const hello = await Promise.race([wire.agent.hello, broken]);
    const ready = await Promise.race([sftp, broken]);
    await Promise.race([ready.ready, broken]);
    return { hello, sftp: ready };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", abort);
  }
}

function forwardFailed(host: string, target: string, stderr: string): ShiplockError {
  return new ShiplockError({
    code: "ssh/forwarding-failed",
    message: `ssh could not forward to ${target} on ${host}: ${stderr.trim() || "it did not say why"}`,
    where: host,
    remedy: "Run the command again; if it stays, run `shiplock doctor`.",
  });
}

/** Runs `ssh -O forward` to its end. */
async function runForward(wire: Wire, localPath: string, target: string): Promise<void> {
  const child = spawnSsh(forwardArguments(wire.controlPath, localPath, target), "ignore");
  const stderr = collectText(child);
  child.stdout?.resume();
  const timer = setTimeout(() => child.kill("SIGKILL"), FORWARD_TIMEOUT_MS);
  const exitCode = await endOf(child);
  clearTimeout(timer);
  if (exitCode !== 0) throw forwardFailed(wire.address.name, target, stderr());
}

/**
 * Connects to a host with the system's `ssh`; see Connector.
 */
export async function connectSsh(
  address: SshAddress,
  options: ConnectOptions,
  surroundings: SshSurroundings,
): Promise<Host> {
  checkDestination(address.name, address.destination);
  if (options.signal?.aborted === true) throw cancelledError(address.name, options.signal.reason);
  const folder = await surroundings.scratch.make();
  let wire: Wire | undefined;
  try {
    // The folder is watched from before there is anything in it.
    wire = startMaster(address, folder, options, surroundings);
    const early = startSftpEarly(wire, surroundings);
    try {
      const established = await establish(wire, early.sftp, options);
      return openHost(wire, established.hello, established.sftp, surroundings);
    } finally {
      early.stop();
    }
  } catch (error) {
    wire?.master.kill("SIGKILL");
    await wire?.ended;
    await surroundings.scratch.remove(folder);
    throw error;
  }
}

function openHost(wire: Wire, hello: AgentHello, sftp: Sftp, surroundings: SshSurroundings): Host {
  const { name } = wire.address;
  const { hasFlock, ...facts } = hello;
  const { promise: lost, resolve: tellLost } = Promise.withResolvers<HostLost>();
  const forwards = new Map<string, Promise<string>>();
  let gone: HostLost | undefined;
  let forwardCount = 0;
  let closing: Promise<void> | undefined;

  function lose(reason: HostLost): void {
    if (gone !== undefined) return;
    gone = reason;
    // Dead at once: after a lost lease nothing more of ours may be on its way.
    if (reason.reason !== "closed") wire.master.kill("SIGKILL");
    const error = hostLostError(name, reason.message);
    leases.stop();
    wire.agent.fail(error);
    sftp.fail(error);
    transport.close();
    tellLost(reason);
    wire.ended.then(() => surroundings.scratch.remove(wire.folder)).catch(() => undefined);
  }

  function refuseIfGone(): void {
    if (gone !== undefined) throw hostLostError(name, gone.message);
  }

  async function forward(target: string): Promise<string> {
    refuseIfGone();
    forwardCount += 1;
    const localPath = join(wire.folder, `f${forwardCount}`);
    try {
      await runForward(wire, localPath, target);
    } catch (error) {
      forwards.delete(target);
      refuseIfGone();
      throw error;
    }
    return localPath;
  }

  async function forwardOnce(target: string): Promise<string> {
    refuseIfGone();
    const known = forwards.get(target) ?? forward(target);
    forwards.set(target, known);
    return known;
  }

  async function forwardSocket(remotePath: string): Promise<string> {
    const absolute = isAbsolute(remotePath) ? remotePath : join(facts.home, remotePath);
    return forwardOnce(socketTarget(name, absolute));
  }

  async function explain(cause: unknown, request: string, answered: boolean): Promise<ShiplockError> {
    if (gone !== undefined) return hostLostError(name, gone.message);
    const socket = facts.engineSocket;
    try {
      // Also tells a cut socket from a cut connection: over the latter this question gets no answer either.
      const [state = "silent"] = await wire.agent.request("engine", [], 10_000);
      return explainSilence({ host: name, socket, request, cause, answered }, state as EngineSocketState);
    } catch (error) {
      if (error instanceof ShiplockError) return error;
      return new EngineError({ code: "engine/unreachable", host: name, request, message: messageOf(error), cause });
    }
  }

  async function engineSocket(): Promise<string> {
    if (facts.engineSocket.startsWith("/")) return forwardSocket(facts.engineSocket);
    throw new EngineError({
      code: "engine/unreachable",
      host: name,
      request: "connect",
      message: `DOCKER_HOST on ${name} is ${facts.engineSocket}; only Unix sockets can be forwarded`,
      remedy: "Unset DOCKER_HOST for the SSH user, or set it to unix://… .",
    });
  }

  const transport = createEngineTransport({ host: name, socketPath: engineSocket, explain });
  const leases = createLeases({ host: name, home: facts.home, hasFlock, agent: wire.agent, onLost: lose });
  const home = facts.home;
  const root = absolutePath(home, wire.address.root ?? ".shiplock");
  const connectionEnded = () =>
    lose({ reason: "connection", message: lastLine(wire.stderr()) || "the connection ended" });
  // The agent's end is the session's end, even if the master still waits for its other sessions.
  wire.master.stdout?.once("end", connectionEnded);
  void wire.ended.then(connectionEnded);
  // Under way while the caller gets going; the first engine call hears of a failure.
  engineSocket().catch(() => undefined);

  async function closeNow(): Promise<void> {
    lose({ reason: "closed", message: "it was closed" });
    // The end of its standard input makes the agent end the session.
    wire.master.stdin?.end();
    const timer = setTimeout(() => wire.master.kill("SIGKILL"), CLOSE_GRACE_MS);
    await wire.ended;
    clearTimeout(timer);
    await surroundings.scratch.remove(wire.folder);
  }

  return {
    name,
    facts,
    engine: createDockerEngine(transport),
    files: createSftpFiles({ host: name, sftp, home, root }),
    forwardSocket,
    forwardTcp: async (hostname, port) => forwardOnce(tcpTarget(name, hostname, port)),
    lease: leases.take,
    inspectLease: leases.inspect,
    lost,
    close() {
      closing ??= closeNow();
      return closing;
    },
  };
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim() ?? "";
}
