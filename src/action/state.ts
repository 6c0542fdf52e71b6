import type { SshLeftover } from "./ssh-access.ts";
import type { RunnerFiles } from "./runner-files.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** What the step's end needs to know of the step: GitHub keeps it, whatever becomes of the process. */
export type StepState = {
  /** The step's process came to its own end: nothing of its deployment is left to anybody. */
  readonly ended: boolean;
  /** The deployment that it was about, as soon as there was one. */
  readonly deployment: { readonly environment: string; readonly id: string } | null;
  readonly ssh: SshLeftover;
};

/** Null where this is the step itself and not its end. */
export function readState(env: Variables): StepState | null {
  const state = (name: string): string => env[`STATE_${name}`] ?? "";
  if (state("began") === "") return null;
  const environment = state("environment");
  const id = state("deployment");
  return {
    ended: state("ended") !== "",
    deployment: environment === "" || id === "" ? null : { environment, id },
    ssh: { folder: state("ssh-folder"), agent: state("ssh-agent") },
  };
}

export function keepBegun(files: RunnerFiles): void {
  files.state("began", "true");
}

export function keepEnded(files: RunnerFiles): void {
  files.state("ended", "true");
}

export function keepDeployment(files: RunnerFiles, environment: string, id: string): void {
  files.state("environment", environment);
  files.state("deployment", id);
}

export function keepSsh(files: RunnerFiles, { folder, agent }: SshLeftover): void {
  files.state("ssh-folder", folder);
  files.state("ssh-agent", agent);
}
