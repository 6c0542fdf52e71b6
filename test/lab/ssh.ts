import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { DEPLOY_USER } from "./box-files.ts";
import { startInBox } from "./box.ts";
import { must, tail, waitFor } from "./process.ts";
import type { BoxRecord, LabPaths } from "./record.ts";

/** Makes the key pair that may sign in on every host (kept over restarts) and returns the public key. */
export async function ensureLabKey(paths: LabPaths): Promise<string> {
  mkdirSync(paths.ssh, { recursive: true, mode: 0o700 });
  const key = join(paths.ssh, "id_ed25519");
  if (!existsSync(key)) await must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "shiplock-lab", "-f", key]);
  return readFileSync(`${key}.pub`, "utf8");
}

/** The host key of one host, kept over restarts so that it stays pinned; returns the public key (`ssh-ed25519 AAAA…`). */
async function ensureHostKey(paths: LabPaths, box: BoxRecord): Promise<string> {
  const key = join(paths.boxRoot(box.name), "etc/ssh/ssh_host_ed25519_key");
  if (!existsSync(key)) await must(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", box.name, "-f", key]);
  chmodSync(key, 0o600);
  return readFileSync(`${key}.pub`, "utf8").trim().split(" ").slice(0, 2).join(" ");
}

/** Starts the SSH server of a host, with the lines its wish adds in front (sshd takes the first of each), and waits for it. */
export async function startSshd(paths: LabPaths, box: BoxRecord, save: () => void): Promise<void> {
  await ensureHostKey(paths, box);
  const lines = [
    ...box.sshdWish.lines,
    "Port 22",
    `ListenAddress ${box.address}`,
    "ListenAddress 127.0.0.1",
    "HostKey /etc/ssh/ssh_host_ed25519_key",
    "PidFile /run/sshd.pid",
    `AllowUsers root ${DEPLOY_USER.name}`,
    "PermitRootLogin prohibit-password",
    "PubkeyAuthentication yes",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    "UsePAM no",
    "UseDNS no",
    "PrintMotd no",
    // The tests open many connections at once; refusing some at random is not what they are about.
    "MaxStartups 200",
    "StrictModes yes",
    `AllowStreamLocalForwarding ${box.sshdWish.streamForwarding ? "yes" : "no"}`,
    "Subsystem sftp internal-sftp",
  ];
  writeFileSync(join(paths.boxRoot(box.name), "etc/ssh/sshd_config"), `${lines.join("\n")}\n`);
  const logFile = paths.log(`${box.name}-sshd`);
  box.sshd = await startInBox(box, ["/usr/sbin/sshd", "-D", "-e", "-f", "/etc/ssh/sshd_config"], logFile);
  save();
  await waitFor(`sshd on ${box.name}`, () => sshAnswers(box.address), {
    timeoutMs: 15_000,
    detail: () => tail(logFile),
  });
}

/** Whether an SSH server greets at this address. */
export function sshAnswers(address: string, timeoutMs = 2000): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createConnection({ host: address, port: 22 });
  socket.setTimeout(timeoutMs);
  socket.once("data", (chunk) => resolve(chunk.toString().startsWith("SSH-")));
  socket.once("timeout", () => resolve(false));
  socket.once("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}

/**
 * Writes the ssh_config with an entry per host, the lab's key and the pinned host keys. It includes nothing of the user's, so
 * `ssh -F <file> host-1` is all a test needs.
 */
export async function writeSshConfig(paths: LabPaths, hosts: readonly BoxRecord[]): Promise<void> {
  const knownHosts = join(paths.ssh, "known_hosts");
  const pinned: string[] = [];
  for (const host of hosts) pinned.push(`${host.name},${host.address} ${await ensureHostKey(paths, host)}\n`);
  writeFileSync(knownHosts, pinned.join(""), { mode: 0o600 });
  const entries = hosts.map((host) =>
    [
      `Host ${host.name} ${host.address}`,
      `  HostName ${host.address}`,
      `  HostKeyAlias ${host.name}`,
      `  User ${DEPLOY_USER.name}`,
      "",
    ].join("\n"),
  );
  const common = [
    "Host *",
    `  IdentityFile ${join(paths.ssh, "id_ed25519")}`,
    "  IdentitiesOnly yes",
    `  UserKnownHostsFile ${knownHosts}`,
    "  GlobalKnownHostsFile /dev/null",
    "  StrictHostKeyChecking yes",
    "  UpdateHostKeys no",
    "  BatchMode yes",
    "  ConnectTimeout 10",
    "",
  ];
  writeFileSync(paths.sshConfig, [...entries, ...common].join("\n"), { mode: 0o600 });
}
