import { ShiplockError } from "../errors.ts";

export type SshFailure = {
  name: string;
  destination: string;
  /** What `ssh` wrote to its standard error. */
  stderr: string;
  /** Exit code of `ssh`; null if it was ended by a signal or never ended. */
  exitCode: number | null;
};

type Finding = {
  code: string;
  pattern: RegExp;
  message(failure: SshFailure): string;
  remedy(failure: SshFailure): string;
};

/** In this order: a changed key is also followed by "Host key verification failed". */
const FINDINGS: readonly Finding[] = [
  {
    code: "ssh/host-key",
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED|host key .* has changed|Offending \S+ key/i,
    message: ({ name }) =>
      `The host key of ${name} is not the one you know: it was set up anew, or someone is in between`,
    remedy: ({ destination }) =>
      `Find out why it changed. If it is right: \`ssh-keygen -R ${hostPart(destination)}\`, then \`ssh ${destination}\` once, and compare the fingerprint.`,
  },
  {
    code: "ssh/host-key",
    pattern: /Host key verification failed|No \S+ host key is known for|REVOKED HOST KEY/i,
    message: ({ name }) => `The host key of ${name} is not known`,
    remedy: ({ destination }) =>
      `Run \`ssh ${destination}\` once and compare the fingerprint, or add the host's line to ~/.ssh/known_hosts (in CI: from a secret).`,
  },
  {
    code: "ssh/auth",
    pattern:
      /Permission denied|Too many authentication failures|no more authentication methods|sign_and_send_pubkey.*(?:failed|refused)/i,
    message: ({ name }) => `${name} refused the login`,
    remedy: ({ destination }) =>
      `Check that \`ssh ${destination}\` works without asking for anything: the user, the key (\`ssh-add -l\`), and authorized_keys on the host.`,
  },
  {
    code: "ssh/unreachable",
    pattern: /Could not resolve hostname|Name or service not known/i,
    message: ({ name }) => `The name of ${name} is not known`,
    remedy: () => "Check the host's name in shiplock.yml or ~/.ssh/config, and DNS.",
  },
  {
    code: "ssh/unreachable",
    pattern: /Connection refused/i,
    message: ({ name }) => `${name} refused the connection`,
    remedy: () => "Check the port, and that sshd runs there.",
  },
  {
    code: "ssh/unreachable",
    pattern: /timed out|No route to host|Network is unreachable|banner exchange|Operation timed out/i,
    message: ({ name }) => `${name} did not answer`,
    remedy: () => "Check that the host is up, and the firewall in between.",
  },
  {
    code: "ssh/config",
    pattern:
      /Bad configuration option|Can't open user config file|terminating, \d+ bad configuration|Bad owner or permissions on|no matching (?:host key|key exchange|cipher|MAC)/i,
    message: ({ name }) => `ssh could not use its configuration for ${name}`,
    remedy: ({ destination }) => `Run \`ssh ${destination}\` by hand and mend what it complains about.`,
  },
  {
    code: "ssh/unreachable",
    pattern: /kex_exchange_identification|Connection (?:closed|reset)|ssh_exchange_identification/i,
    message: ({ name }) => `${name} ended the connection before the login`,
    remedy: () => "Check sshd's log there: it may be limiting connections (MaxStartups), or a ban may be in force.",
  },
];

function hostPart(destination: string): string {
  return destination.slice(destination.lastIndexOf("@") + 1);
}

function lastLines(stderr: string): string[] {
  const lines = stderr.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "").slice(-5);
}

/** Why a connection could not be made, from what `ssh` said. */
export function diagnoseConnect(failure: SshFailure): ShiplockError {
  const found = FINDINGS.find((finding) => finding.pattern.test(failure.stderr));
  const details = lastLines(failure.stderr);
  if (found !== undefined) {
    const { code } = found;
    return new ShiplockError({
      code,
      message: found.message(failure),
      where: failure.name,
      remedy: found.remedy(failure),
      details,
    });
  }
  return new ShiplockError({
    code: "host/agent-failed",
    message: `The login to ${failure.name} worked, but its session ended at once (exit code ${failure.exitCode ?? "none"})`,
    where: failure.name,
    remedy: `Run \`ssh ${failure.destination} id\` by hand: a forced command, a restricted shell or a full disk may stand in the way.`,
    details,
  });
}

/** Nothing came back in time: neither an answer nor a refusal. */
export function connectTimeout(failure: SshFailure, timeoutMs: number): ShiplockError {
  return new ShiplockError({
    code: "ssh/unreachable",
    message: `${failure.name} did not answer within ${timeoutMs} ms`,
    where: failure.name,
    remedy: "Check that the host is up, and the firewall in between.",
    details: lastLines(failure.stderr),
  });
}

/** There is no `ssh` on this machine. */
export function clientMissing(name: string, cause: unknown): ShiplockError {
  return new ShiplockError({
    code: "ssh/client-missing",
    message: "There is no `ssh` on this machine",
    where: name,
    remedy: "Install OpenSSH's client (package openssh-client).",
    cause,
  });
}
