import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { HostAddress } from "../../src/hosts/types.ts";

/** An sshd of our own on 127.0.0.1 with its own keys, for tests that need nothing else of a host. */
export type ThrowawaySshd = {
  port: number;
  /** Folder for everything of it; also a place for the test's own files. */
  folder: string;
  /** Configuration for `ssh -F` in which the host is called `throwaway`. */
  sshConfig: string;
  knownHosts: string;
  log(): Promise<string>;
  stop(): Promise<void>;
};

export type SshdOptions = {
  /** Lines for sshd_config, before the usual ones; the first value counts. */
  settings?: readonly string[];
  /** Value of DOCKER_HOST in its sessions. */
  dockerHost?: string;
};

/** Why an sshd cannot be started here; undefined if it can. */
export async function sshdMissing(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "a throwaway sshd needs root";
  const found = await access("/usr/sbin/sshd").then(
    () => true,
    () => false,
  );
  return found ? undefined : "there is no /usr/sbin/sshd: install openssh-server";
}

async function run(program: string, args: string[]): Promise<void> {
  const child = spawn(program, args, { stdio: "ignore" });
  const code = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}`);
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("data", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("close", () => socket.destroy());
    setTimeout(() => socket.destroy(), 1000).unref();
  });
}

async function untilReady(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline && child.exitCode === null) {
    if (await answers(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("the throwaway sshd did not start");
}

/** Starts one; the caller stops it. */
export async function startSshd(options: SshdOptions = {}): Promise<ThrowawaySshd> {
  await mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  const folder = await mkdtemp(join(tmpdir(), "throwaway-sshd-"));
  const port = await freePort();
  const inside = (name: string) => join(folder, name);
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", inside("host_key")]);
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", inside("user_key")]);
  await writeFile(inside("authorized_keys"), await readFile(inside("user_key.pub")), { mode: 0o600 });
  const hostKey = (await readFile(inside("host_key.pub"), "utf8")).split(" ").slice(0, 2).join(" ");
  await writeFile(inside("known_hosts"), `[127.0.0.1]:${port} ${hostKey}\n`);
  const settings = options.settings ?? [];
  const serverLines = [
    ...settings,
    `Port ${port}`,
    "ListenAddress 127.0.0.1",
    `HostKey ${inside("host_key")}`,
    `AuthorizedKeysFile ${inside("authorized_keys")}`,
    "PidFile none",
    "UsePAM no",
    "StrictModes no",
    "PermitRootLogin yes",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    ...(settings.some((line) => line.startsWith("Subsystem")) ? [] : ["Subsystem sftp internal-sftp"]),
    ...(options.dockerHost === undefined ? [] : [`SetEnv DOCKER_HOST=${options.dockerHost}`]),
  ];
  await writeFile(inside("sshd_config"), `${serverLines.join("\n")}\n`);
  const clientLines = [
    "Host throwaway",
    "  HostName 127.0.0.1",
    `  Port ${port}`,
    `  User ${userInfo().username}`,
    `  IdentityFile ${inside("user_key")}`,
    "  IdentitiesOnly yes",
    `  UserKnownHostsFile ${inside("known_hosts")}`,
    "  GlobalKnownHostsFile /dev/null",
  ];
  await writeFile(inside("ssh_config"), `${clientLines.join("\n")}\n`);
  const child = spawn("/usr/sbin/sshd", ["-D", "-e", "-f", inside("sshd_config")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  child.stderr.pipe(createWriteStream(inside("log")));
  const ended = new Promise((resolve) => child.once("close", resolve));
  await untilReady(port, child);
  return {
    port,
    folder,
    sshConfig: inside("ssh_config"),
    knownHosts: inside("known_hosts"),
    log: () => readFile(inside("log"), "utf8"),
    async stop() {
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Its address for a connector, with a root of its own; with another configuration of ssh where the way there is another. */
export function addressOf(sshd: ThrowawaySshd, sshConfig = sshd.sshConfig): HostAddress {
  return {
    kind: "ssh",
    destination: "throwaway",
    name: "box",
    sshConfig,
    root: join(sshd.folder, "root"),
  };
}
