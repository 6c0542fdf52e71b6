import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, waitFor } from "../clock.ts";
import { ShiplockError } from "../errors.ts";
import { runProgram } from "../process.ts";
import type { ActionInputs } from "./inputs.ts";
import { demandKnownHosts, keyText, knownHostsText, sshConfigText } from "./ssh-texts.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** What a step has set up to reach its hosts, and what the end of the step has to take away. */
export type SshAccess = {
  /** For the engine. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends the agent and removes the files. May be repeated. */
  close(): Promise<void>;
};

/** What is left behind if this process is killed; empty for what there is not. */
export type SshLeftover = { readonly folder: string; readonly agent: string };

const programMs = 10_000;
const endMs = 3_000;
/** An agent that nobody ended, because its runner died, forgets the key. In seconds; no job of GitHub's own runners takes so long. */
const keyLifetime = 24 * 60 * 60;
/** What a Unix socket's address holds, with room for what an agent adds. */
const longestSocket = 90;

/**
 * Sets up what the step says about SSH: an agent that holds the key, which is on no disk and on no command line, and a configuration that trusts the given keys of hosts alone.
 * @param keep remembers what is left behind if this process is killed; called before it is there
 * @returns null where the step says nothing: `ssh` then does what it does on that machine
 * @throws ShiplockError `action/known-hosts-missing`, `action/known-hosts`, `action/ssh-key`, `program/missing`
 */
export async function openSsh(
  inputs: ActionInputs,
  env: Variables,
  clock: Clock,
  keep: (left: SshLeftover) => void,
): Promise<SshAccess | null> {
  const key = inputs["ssh-key"];
  const given = inputs["known-hosts"];
  if (key === undefined && given === undefined) return null;
  const known = knownHostsText(demandKnownHosts(given));
  // So that a machine without it is told at once, and not by a host that does not answer.
  await runProgram("ssh", ["-V"], { env: plainEnvironment(env), timeoutMs: programMs });
  const folder = await mkdtemp(join(shortFolder(env), "shiplock-ssh-"));
  let left: SshLeftover = { folder, agent: "" };
  try {
    keep(left);
    const socket = key === undefined ? null : join(folder, "agent");
    if (key !== undefined && socket !== null) {
      left = { folder, agent: await startAgent(socket, env) };
      keep(left);
      await addKey(key, socket, env);
    }
    const config = join(folder, "config");
    const knownHosts = join(folder, "known_hosts");
    await writeFile(knownHosts, known, { mode: 0o600 });
    const further = env["SHIPLOCK_SSH_CONFIG"];
    await writeFile(config, sshConfigText({ knownHosts, agent: socket, further }), { mode: 0o600 });
    return {
      env: { SHIPLOCK_SSH_CONFIG: config, ...(socket === null ? {} : { SSH_AUTH_SOCK: socket }) },
      close: () => removeSsh(left, clock),
    };
  } catch (error) {
    await removeSsh(left, clock);
    throw error;
  }
}

/** Ends the agent, if the process of that number is still the one, and removes the folder. What is gone already is no error. */
export async function removeSsh({ folder, agent }: SshLeftover, clock: Clock): Promise<void> {
  if (/^[1-9]\d*$/.test(agent)) await endAgent(Number(agent), folder, clock);
  if (folder !== "") await rm(folder, { recursive: true, force: true });
}

async function startAgent(socket: string, env: Variables): Promise<string> {
  const { exitCode, stdout, stderr } = await runProgram("ssh-agent", ["-s", "-t", String(keyLifetime), "-a", socket], {
    env: plainEnvironment(env),
    timeoutMs: programMs,
  });
  const pid = /SSH_AGENT_PID=(\d+)/.exec(stdout)?.[1];
  if (exitCode === 0 && pid !== undefined) return pid;
  throw new ShiplockError({
    code: "action/ssh-agent",
    message: "ssh-agent could not be started",
    details: lastLines(stderr),
    remedy: "see what it says; the folder for temporary files (RUNNER_TEMP) has to allow sockets",
  });
}

/** The key goes through a pipe. A key with a passphrase asks for it, and nobody is there to answer. */
async function addKey(key: string, socket: string, env: Variables): Promise<void> {
  const { exitCode, stderr } = await runProgram("ssh-add", ["-q", "-"], {
    env: { ...plainEnvironment(env), SSH_AUTH_SOCK: socket, SSH_ASKPASS_REQUIRE: "never" },
    input: keyText(key),
    timeoutMs: programMs,
  });
  if (exitCode === 0) return;
  throw new ShiplockError({
    code: "action/ssh-key",
    blame: "usage",
    message: "the input ssh-key is no private key that ssh-add takes",
    details: lastLines(stderr),
    remedy:
      "keep the whole file of a key without passphrase in the secret, from `-----BEGIN` to `-----END`: `ssh-keygen -t ed25519 -N '' -f key` makes one",
  });
}

/** Neither program needs to know what the step knows. By the last one the runner finds what a job has left running, and ends it. */
function plainEnvironment(env: Variables): Variables {
  return { PATH: env["PATH"], HOME: env["HOME"], LC_ALL: "C", RUNNER_TRACKING_ID: env["RUNNER_TRACKING_ID"] };
}

async function endAgent(pid: number, folder: string, clock: Clock): Promise<void> {
  const gone = async (): Promise<true | null> => ((await isAgent(pid, folder)) ? null : true);
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if ((await gone()) === true) return;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ESRCH") return;
      throw error;
    }
    if ((await waitFor(clock, { timeoutMs: endMs, intervalMs: 20 }, gone)) === true) return;
  }
}

/** The number may have been given to another process by now. Where that cannot be seen, whether there is one of it. */
async function isAgent(pid: number, folder: string): Promise<boolean> {
  if (process.platform === "linux")
    return (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).includes(`${folder}/`);
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function shortFolder(env: Variables): string {
  const given = env["RUNNER_TEMP"] ?? "";
  return given === "" || Buffer.byteLength(given) + "/shiplock-ssh-XXXXXX/agent".length > longestSocket
    ? tmpdir()
    : given;
}

function lastLines(text: string): string[] {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "").slice(-5);
}
