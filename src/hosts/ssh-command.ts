import { ShiplockError } from "../errors.ts";
import { agentCommand } from "./agent.ts";

/** Stands for the host on command lines that only speak with the connection that is already there. */
const ESTABLISHED = "shiplock-host";

export type MasterOptions = { destination: string; controlPath: string; connectTimeoutMs: number; sshConfig?: string };

/**
 * Arguments of the `ssh` that makes the connection and runs the agent. Everything of the user's configuration that would get in the
 * way of one connection for a program is switched off; how to reach the host and how to log in stays theirs. Host keys are strict whatever
 * they say.
 */
export function masterArguments(options: MasterOptions): string[] {
  const settings = [
    "ControlPersist=no",
    "BatchMode=yes",
    "StrictHostKeyChecking=yes",
    "ClearAllForwardings=yes",
    "RemoteCommand=none",
    "RequestTTY=no",
    "ForwardAgent=no",
    "ForwardX11=no",
    "PermitLocalCommand=no",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    `ConnectTimeout=${Math.max(1, Math.ceil(options.connectTimeoutMs / 1000))}`,
  ];
  return [
    ...(options.sshConfig === undefined ? [] : ["-F", options.sshConfig]),
    "-M",
    "-S",
    options.controlPath,
    ...settings.flatMap((setting) => ["-o", setting]),
    "--",
    options.destination,
    agentCommand(),
  ];
}

/**
 * Arguments for a further use of the connection at `controlPath`. Without that connection `ssh` would make one of its own; the proxy
 * command that fails keeps it from that.
 */
function establishedArguments(controlPath: string): string[] {
  return ["-F", "none", "-S", controlPath, "-o", "BatchMode=yes", "-o", "ProxyCommand=false"];
}

/** Arguments of the `ssh` that speaks with the host's SFTP server on its standard input and output. */
export function sftpArguments(controlPath: string): string[] {
  return [...establishedArguments(controlPath), "-s", "--", ESTABLISHED, "sftp"];
}

/** Arguments of the `ssh` that makes the local Unix socket `localPath` lead to `target`. */
export function forwardArguments(controlPath: string, localPath: string, target: string): string[] {
  return [...establishedArguments(controlPath), "-O", "forward", "-L", `${localPath}:${target}`, "--", ESTABLISHED];
}

// `ssh` expands % and ${…} and splits at colons in what it forwards to.
const PLAIN_PATH = /^\/[A-Za-z0-9_./@+=,~-]*$/;
const PLAIN_NAME = /^[A-Za-z0-9_.-]+$/;
const IPV6 = /^[0-9a-fA-F:.]+$/;

/**
 * The target of a forward to a Unix socket, as `-L` takes it.
 *
 * @throws ShiplockError `host/bad-path` for a path with characters that `ssh` would read as something else
 */
export function socketTarget(host: string, path: string): string {
  if (PLAIN_PATH.test(path)) return path;
  throw badTarget(host, `the path of a socket may only hold letters, digits and _./@+=,~-: ${JSON.stringify(path)}`);
}

/** The target of a forward to a TCP port, as `-L` takes it. Throws like `socketTarget`. */
export function tcpTarget(host: string, name: string, port: number): string {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw badTarget(host, `${port} is not a port`);
  if (PLAIN_NAME.test(name)) return `${name}:${port}`;
  if (IPV6.test(name)) return `[${name}]:${port}`;
  throw badTarget(host, `${JSON.stringify(name)} is not a host name`);
}

/** Refuses a destination that could be taken for something else by `ssh` or by a proxy command of the user's configuration. */
export function checkDestination(name: string, destination: string): void {
  if (/^[^-\s'"`$\\;&<>|(){}][^\s'"`$\\;&<>|(){}]*$/.test(destination)) return;
  throw new ShiplockError({
    code: "ssh/config",
    message: `${JSON.stringify(destination)} is not a destination for ssh`,
    where: name,
    blame: "usage",
    remedy: "Write it as `user@host`, or as a name of your ~/.ssh/config.",
  });
}

function badTarget(host: string, message: string): ShiplockError {
  return new ShiplockError({
    code: "host/bad-path",
    message,
    where: host,
    blame: "usage",
    remedy: "Choose another path or name.",
  });
}
