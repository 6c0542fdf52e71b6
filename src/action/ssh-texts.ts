import { ShiplockError } from "../errors.ts";

/** A private key as `ssh-add` reads it: what keeps secrets often loses the last line's end, or has those of Windows. */
export function keyText(written: string): string {
  return `${written.replaceAll("\r\n", "\n").replaceAll("\r", "\n").trim()}\n`;
}

/**
 * The text of a known_hosts file out of an input.
 * @throws ShiplockError `action/known-hosts` with the number of the line that is none, and nothing of what it holds
 */
export function knownHostsText(written: string): string {
  const lines = written.split(/\r\n|\r|\n/).map((line) => line.trim());
  for (const [index, line] of lines.entries()) {
    if (line === "" || line.startsWith("#")) continue;
    const fields = line.split(/\s+/);
    const [, type = "", key = ""] = line.startsWith("@") ? fields.slice(1) : fields;
    if (!/^[a-z0-9@.-]+$/.test(type) || !/^[A-Za-z0-9+/]{16,}={0,3}$/.test(key)) throw notKnownHosts(index + 1);
  }
  if (lines.every((line) => line === "" || line.startsWith("#"))) throw notKnownHosts(1);
  return `${lines.join("\n")}\n`;
}

function notKnownHosts(line: number): ShiplockError {
  return new ShiplockError({
    code: "action/known-hosts",
    blame: "usage",
    message: `line ${line} of the input known-hosts is no line of a known_hosts file (host, kind of key, key)`,
    remedy: howToGetHostKeys,
  });
}

/** @throws ShiplockError `action/known-hosts-missing` */
export function demandKnownHosts(knownHosts: string | undefined): string {
  if (knownHosts !== undefined) return knownHosts;
  throw new ShiplockError({
    code: "action/known-hosts-missing",
    blame: "usage",
    message: "ssh-key is given without known-hosts, so nobody could tell your hosts from others",
    remedy: howToGetHostKeys,
  });
}

const howToGetHostKeys =
  "run `ssh-keyscan HOST` for each host, compare the fingerprint (`ssh-keygen -lf -`) with the one that the host itself has (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`), and keep the lines in a variable of the repository: `known-hosts: ${{ vars.SHIPLOCK_KNOWN_HOSTS }}`";

/**
 * A configuration of `ssh` that trusts these keys of hosts and no others, and after that is what the machine has. Of two values of a setting `ssh` takes the first.
 * @param agent socket of the agent that holds the key; null to log in as the machine does
 * @param further configuration file that the step names itself
 */
export function sshConfigText(files: {
  knownHosts: string;
  agent: string | null;
  further: string | undefined;
}): string {
  const { knownHosts, agent, further } = files;
  const settings = [
    `UserKnownHostsFile ${quoted(knownHosts)}`,
    "GlobalKnownHostsFile /dev/null",
    "StrictHostKeyChecking yes",
    "UpdateHostKeys no",
    ...(agent === null ? [] : [`IdentityAgent ${quoted(agent)}`]),
  ];
  const others = further === undefined ? ["~/.ssh/config", "/etc/ssh/ssh_config"] : [`"${further}"`];
  return `Host *\n${settings.map((line) => `  ${line}\n`).join("")}Match all\n${others.map((path) => `  Include ${path}\n`).join("")}`;
}

/** `ssh` reads `%` as the beginning of a token. */
function quoted(path: string): string {
  return `"${path.replaceAll("%", "%%")}"`;
}
