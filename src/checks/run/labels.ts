/** The labels by which a run finds what it made on an engine, and a later run what is left of it. */
export const checkLabel = {
  kind: "shiplock.kind",
  project: "shiplock.project",
  run: "shiplock.run",
  machine: "shiplock.machine",
  check: "shiplock.check",
} as const;

/** `check`: ends with its check. `check-cache`: stays for later runs. */
export type CheckKind = "check" | "check-cache";

/** Whose something on an engine is. */
export type Ownership = {
  readonly project: string;
  readonly run: string;
  /** The machine whose state folder knows whether the run still goes on. */
  readonly machine: string;
};

export function labelsOf(owner: Ownership, kind: CheckKind, check: string): Record<string, string> {
  return {
    [checkLabel.kind]: kind,
    [checkLabel.project]: owner.project,
    [checkLabel.run]: owner.run,
    [checkLabel.machine]: owner.machine,
    [checkLabel.check]: check,
  };
}

/** The filter for everything of this kind that runs of this machine made. */
export function madeBy(machine: string, kind: CheckKind): string[] {
  return [`${checkLabel.kind}=${kind}`, `${checkLabel.machine}=${machine}`];
}
