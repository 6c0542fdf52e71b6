import type { CommandArgument, CommandFlag } from "./types.ts";

export const environment: CommandArgument = { name: "env", description: "environment of shiplock.yml", required: true };
export const ref: CommandFlag = {
  flags: "--ref <ref>",
  description: "branch, tag, commit or BRANCH:COMMIT; what is checked out if left out",
};
export const dirty: CommandFlag = { flags: "--dirty", description: "take the working tree as it is, and record that" };
export const noWait: CommandFlag = {
  flags: "--no-wait",
  description: "give up (exit 3) if someone else is changing the environment",
};
export const noWaitForGates: CommandFlag = {
  flags: "--no-wait",
  description:
    "give up (exit 3) if someone else is changing the environment; what waits for a gate stays asked for, without this command",
};
export const reason: CommandFlag = { flags: "--reason <text>", description: "why; kept in the record" };

/** What the gates of an environment may want to know. */
export const gateFlags: readonly CommandFlag[] = [
  { flags: "--confirm <env>", description: "the environment's name, where it wants to be typed" },
  { flags: "--take-over", description: "deploy although somebody else holds the environment; recorded" },
  { flags: "--override-freeze", description: "deploy in spite of a freeze; needs --reason, recorded and told" },
  {
    flags: "--emergency",
    description:
      "pass the gates that the environment lets an emergency pass; needs --reason, told at once, reviewed later",
  },
];

export const noWatch: CommandFlag = {
  flags: "--no-watch",
  description: "do not watch the release after it has become live, as `watch` says",
};

export const automatic: CommandFlag = {
  flags: "--automatic",
  description: "nobody asked: a push or a schedule did; skipped where somebody holds the environment",
};

/** The request that a command is about. */
export const request: CommandArgument = {
  name: "deployment",
  description: "the request, as `status` names it; the only one if left out",
  required: false,
};

export const releaseFlag: CommandFlag = {
  flags: "--release <id>",
  description: "a release that was live in this environment before",
  conflicts: ["ref", "dirty", "check"],
};

export const sarif: CommandFlag = {
  flags: "--sarif <file>",
  description: "write what the scan found to a file (SARIF 2.1.0)",
};

export const skipHost: CommandFlag = {
  flags: "--skip-host <name>",
  description: "leave out a host that is down, and record it as behind; may be given again",
  repeatable: true,
};

export const check: CommandFlag = {
  flags: "--check",
  description: "first run the checks that have not passed for this commit",
};
