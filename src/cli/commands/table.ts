import type { CommandContext } from "../context.ts";

export type CommandArgument = { name: string; description: string; required: boolean; variadic?: boolean };
/** `conflicts` names the flags, as options of the command, that cannot be given beside it. */
export type CommandFlag = { flags: string; description: string; repeatable?: boolean; conflicts?: readonly string[] };

/** A command as data: what help shows, and where its code is, which is loaded only when it runs. */
export type CommandEntry = {
  name: string;
  summary: string;
  arguments: readonly CommandArgument[];
  flags: readonly CommandFlag[];
  examples: readonly string[];
  /** It changes an environment, so it does not end at once when it is interrupted. */
  changes?: true;
  load: () => Promise<{
    run: (context: CommandContext, args: readonly (string | string[] | undefined)[], flags: Flags) => Promise<number>;
  }>;
};

export type Flags = Readonly<Record<string, string | boolean | string[] | undefined>>;

const environment: CommandArgument = { name: "env", description: "environment of shiplock.yml", required: true };
const ref: CommandFlag = {
  flags: "--ref <ref>",
  description: "branch, tag or commit; what is checked out if left out",
};
const dirty: CommandFlag = { flags: "--dirty", description: "take the working tree as it is, and record that" };
const noWait: CommandFlag = {
  flags: "--no-wait",
  description: "give up (exit 3) if someone else is changing the environment",
};
const noWaitForGates: CommandFlag = {
  flags: "--no-wait",
  description:
    "give up (exit 3) if someone else is changing the environment; what waits for a gate stays asked for, without this command",
};
const reason: CommandFlag = { flags: "--reason <text>", description: "why; kept in the record" };

/** What the gates of an environment may want to know. */
const gateFlags: readonly CommandFlag[] = [
  { flags: "--confirm <env>", description: "the environment's name, where it wants to be typed" },
  { flags: "--take-over", description: "deploy although somebody else holds the environment; recorded" },
  { flags: "--override-freeze", description: "deploy in spite of a freeze; needs --reason, recorded and told" },
  {
    flags: "--emergency",
    description:
      "pass the gates that the environment lets an emergency pass; needs --reason, told at once, reviewed later",
  },
];
const noWatch: CommandFlag = {
  flags: "--no-watch",
  description: "do not watch the release after it has become live, as `watch` says",
};

const automatic: CommandFlag = {
  flags: "--automatic",
  description: "nobody asked: a push or a schedule did; skipped where somebody holds the environment",
};
/** The request that a command is about. */
const request: CommandArgument = {
  name: "deployment",
  description: "the request, as `status` names it; the only one if left out",
  required: false,
};
const releaseFlag: CommandFlag = {
  flags: "--release <id>",
  description: "a release that was live in this environment before",
  conflicts: ["ref", "dirty", "check"],
};

const sarif: CommandFlag = {
  flags: "--sarif <file>",
  description: "write what the scan found to a file (SARIF 2.1.0)",
};

const skipHost: CommandFlag = {
  flags: "--skip-host <name>",
  description: "leave out a host that is down, and record it as behind; may be given again",
  repeatable: true,
};

const check: CommandFlag = {
  flags: "--check",
  description: "first run the checks that have not passed for this commit",
};

/** Every command there is. A new one is one file and one entry here. */
export const commands: readonly CommandEntry[] = [
  {
    name: "init",
    summary: "read the repository and write a configuration that deploys, with what else is missing",
    arguments: [],
    flags: [
      { flags: "--yes", description: "ask nothing: write what is missing, leave what is there" },
      { flags: "--force", description: "also replace files that are there", conflicts: ["dryRun"] },
      { flags: "--dry-run", description: "show what would be written; writes nothing", conflicts: ["yes"] },
      { flags: "--host <[env=]host>", description: "host as user@host; may be given again", repeatable: true },
      {
        flags: "--domain <[env=]name>",
        description: "public host name; staging gets staging.<name>",
        repeatable: true,
      },
      {
        flags: "--registry <address>",
        description: "registry and path for images, http://… without TLS; over SSH if left out",
      },
      { flags: "--name <project>", description: "name of the project; that of package.json or the folder if left out" },
      { flags: "--tls <how>", description: "auto, internal or off; auto if left out" },
      { flags: "--build-network <network>", description: "host, where only this machine reaches package registries" },
    ],
    examples: [
      "shiplock init",
      "shiplock init --yes --host deploy@203.0.113.5 --registry ghcr.io/acme/shop --domain shop.acme.com",
    ],
    load: () => import("./init.ts"),
  },
  {
    name: "setup",
    summary: "set up what an environment's hosts lack: network, proxy, backing services",
    arguments: [environment],
    flags: [ref, dirty, noWait],
    examples: ["shiplock setup staging"],
    changes: true,
    load: () => import("./setup.ts"),
  },
  {
    name: "secrets",
    summary: "keep secrets encrypted in the repository, and see where each comes from and how old it is",
    arguments: [
      { name: "action", description: "init, set, edit, list or rotate", required: true },
      { ...environment, required: false },
      {
        name: "name",
        description: "name of a secret; its value is asked for, or read from standard input",
        required: false,
      },
    ],
    flags: [
      {
        flags: "--file <path>",
        description: "age file to change, as the configuration names it; the narrowest if left out",
      },
      {
        flags: "--recipient <name=age1…>",
        description: "with init or rotate: also encrypt for this public key; may be given again",
        repeatable: true,
      },
    ],
    examples: [
      "shiplock secrets init production",
      "shiplock secrets set production DATABASE_URL < url.txt",
      "shiplock secrets edit production",
      "shiplock secrets list production",
      "shiplock secrets rotate production DATABASE_URL",
      "shiplock secrets rotate --recipient ci=age1…",
    ],
    load: () => import("./secrets.ts"),
  },
  {
    name: "doctor",
    summary: "check everything a deployment needs, and say how to mend what is missing",
    arguments: [{ ...environment, required: false }],
    flags: [],
    examples: ["shiplock doctor", "shiplock doctor production"],
    load: () => import("./doctor.ts"),
  },
  {
    name: "check",
    summary: "run the checks of a commit: what has to pass before anything of it is built or deployed",
    arguments: [
      { name: "names", description: "only these checks, and what they need", required: false, variadic: true },
    ],
    flags: [
      ref,
      dirty,
      { flags: "--no-cache", description: "run them also where nothing they read has changed" },
      { flags: "--jobs <count>", description: "how many at once (as many as this machine has cores)" },
      { flags: "--group <name>", description: "end older runs of this name, such as those of the same pull request" },
      { flags: "--artifacts <folder>", description: "copy their artifacts there" },
    ],
    examples: ["shiplock check", "shiplock check test --ref feature/login", "shiplock check --dirty --jobs 2"],
    load: () => import("./check.ts"),
  },
  {
    name: "build",
    summary: "build, scan and push the images of a commit, without deploying them; --verify pushes and records nothing",
    arguments: [{ ...environment, required: false }],
    flags: [
      ref,
      dirty,
      check,
      sarif,
      { flags: "--verify", description: "only see that every image builds, for all its platforms; needs no registry" },
      { flags: "--no-cache", description: "run every instruction again, and take over no image of another release" },
    ],
    examples: [
      "shiplock build staging --ref main",
      "shiplock build staging --sarif scan.sarif",
      "shiplock build --verify",
    ],
    load: () => import("./build.ts"),
  },
  {
    name: "scan",
    summary: "scan what is live, or a release, again today; exit 3 if the environment would not take it",
    arguments: [environment],
    flags: [
      { flags: "--release <id>", description: "a release that this machine knows, instead of what is live" },
      { flags: "--kept", description: "judge the reports that are kept, without scanning again" },
      sarif,
    ],
    examples: ["shiplock scan production", "shiplock scan production --kept --sarif scan.sarif"],
    load: () => import("./scan.ts"),
  },
  {
    name: "sbom",
    summary: "write out what is kept of a release's images: packages (CycloneDX) and provenance (SLSA)",
    arguments: [environment],
    flags: [
      { flags: "--release <id>", description: "a release that this machine knows, instead of what is live" },
      { flags: "--out <folder>", description: "where the files are written (the current folder)" },
    ],
    examples: ["shiplock sbom production --out sbom"],
    load: () => import("./sbom.ts"),
  },
  {
    name: "plan",
    summary: "show what a deployment would do; changes nothing",
    arguments: [environment],
    flags: [ref, dirty, check, releaseFlag, skipHost, reason, automatic, ...gateFlags],
    examples: ["shiplock plan production --ref v1.4.0"],
    load: () => import("./plan.ts"),
  },
  {
    name: "deploy",
    summary: "make a commit or release live in an environment",
    arguments: [environment],
    flags: [ref, dirty, check, releaseFlag, skipHost, noWaitForGates, noWatch, reason, automatic, ...gateFlags],
    examples: [
      "shiplock deploy staging",
      "shiplock deploy staging --ref feature/login",
      "shiplock deploy production --release 4f2a9c1-8be13d",
    ],
    changes: true,
    load: () => import("./deploy.ts"),
  },
  {
    name: "promote",
    summary: "make what is live in one environment live in another: the same digests",
    arguments: [
      { name: "from", description: "environment that runs it", required: true },
      { name: "to", description: "environment that shall run it", required: true },
    ],
    flags: [check, skipHost, noWaitForGates, noWatch, reason, automatic, ...gateFlags],
    examples: ["shiplock promote staging production"],
    changes: true,
    load: () => import("./promote.ts"),
  },
  {
    name: "rollback",
    summary: "go back to the release that was healthy before",
    arguments: [environment],
    flags: [
      { flags: "--to <what>", description: "release, version, tag or commit that was healthy here" },
      skipHost,
      noWaitForGates,
      reason,
      ...gateFlags,
    ],
    examples: ["shiplock rollback production", "shiplock rollback production --to prod-main-4f2a9c1"],
    changes: true,
    load: () => import("./rollback.ts"),
  },
  {
    name: "revert",
    summary: "open a branch that takes back the commits of a bad release, for the way through the pipeline",
    arguments: [environment],
    flags: [
      { flags: "--deployment <id>", description: "what this deployment brought, instead of what is bad now" },
      { flags: "--commit <sha>", description: "this commit alone", conflicts: ["deployment"] },
      { flags: "--push", description: "push the branch to origin" },
      { flags: "--reason <text>", description: "why; stands in the commit's message" },
    ],
    examples: ["shiplock revert production", "shiplock revert production --push --reason 'wrong totals'"],
    load: () => import("./revert.ts"),
  },
  {
    name: "tag",
    summary: "name the images of a commit that ran in production: no build, no pull",
    arguments: [{ name: "version", description: "the name, such as v1.2.0", required: true }],
    flags: [
      ref,
      { flags: "--env <env>", description: "where it ran; production, or the only environment, if left out" },
      { flags: "--force", description: "move a name that stands for something else" },
    ],
    examples: ["shiplock tag v1.2.0", "shiplock tag v1.2.1 --ref 4f2a9c1"],
    load: () => import("./tag.ts"),
  },
  {
    name: "prune",
    summary: "remove what no rollback of an environment can need, from its hosts and the registry",
    arguments: [environment],
    flags: [{ flags: "--dry-run", description: "show what would go, and change nothing" }, noWait],
    examples: ["shiplock prune staging --dry-run", "shiplock prune staging"],
    changes: true,
    load: () => import("./prune.ts"),
  },
  {
    name: "hold",
    summary: "keep an environment as it is for everybody else, for a time or until it is lifted",
    arguments: [environment],
    flags: [
      { flags: "--reason <text>", description: "why; shown to whoever is stopped by it" },
      { flags: "--for <time>", description: "such as 4h or 2d; until `unhold` if left out" },
      { flags: "--take-over", description: "also where somebody else holds it; recorded" },
    ],
    examples: ['shiplock hold staging --reason "demo of the new checkout" --for 2d'],
    load: () => import("./hold.ts"),
  },
  {
    name: "unhold",
    summary: "lift the hold of an environment",
    arguments: [environment],
    flags: [{ flags: "--take-over", description: "also where somebody else holds it; recorded" }],
    examples: ["shiplock unhold staging"],
    load: () => import("./unhold.ts"),
  },
  {
    name: "approve",
    summary: "approve a deployment that waits for it: these digests with this configuration",
    arguments: [environment, request],
    flags: [
      { flags: "--comment <text>", description: "kept with the approval" },
      { flags: "--run", description: "carry it out here, where its command is gone" },
      noWait,
      noWatch,
    ],
    examples: ["shiplock approve production", 'shiplock approve production d-1f2e3d4c --comment "tried it in staging"'],
    changes: true,
    load: () => import("./approve.ts"),
  },
  {
    name: "reject",
    summary: "refuse a deployment that waits for an approval: it ends",
    arguments: [environment, request],
    flags: [{ flags: "--comment <text>", description: "why; told to who asked for it" }],
    examples: ['shiplock reject production --comment "the migration locks the orders table"'],
    load: () => import("./reject.ts"),
  },
  {
    name: "cancel",
    summary: "call off a deployment that has not begun",
    arguments: [environment, request],
    flags: [],
    examples: ["shiplock cancel staging", "shiplock cancel production d-1f2e3d4c"],
    load: () => import("./cancel.ts"),
  },
  {
    name: "resume",
    summary: "finish a deployment that was interrupted, or carry out requests whose command is gone",
    arguments: [environment, request],
    flags: [noWait, noWatch],
    examples: ["shiplock resume production", "shiplock resume production d-1f2e3d4c"],
    changes: true,
    load: () => import("./resume.ts"),
  },
  {
    name: "abort",
    summary: "undo a deployment that was interrupted",
    arguments: [environment],
    flags: [noWait],
    examples: ["shiplock abort production"],
    changes: true,
    load: () => import("./abort.ts"),
  },
  {
    name: "status",
    summary: "what is live where, whose it is, and whether it runs",
    arguments: [{ ...environment, required: false }],
    flags: [],
    examples: ["shiplock status", "shiplock status production --json"],
    load: () => import("./status.ts"),
  },
  {
    name: "history",
    summary: "deployments, newest first",
    arguments: [{ ...environment, required: false }],
    flags: [
      { flags: "--limit <count>", description: "how many (20)" },
      { flags: "--local", description: "only what this machine remembers; asks no host" },
    ],
    examples: ["shiplock history production --limit 5"],
    load: () => import("./history.ts"),
  },
  {
    name: "notify",
    summary: "test: send a sample to everybody who is told of deployments; log: what became of earlier notices",
    arguments: [{ name: "what", description: "test or log", required: true }],
    flags: [
      { flags: "--event <event>", description: "test: of this event, to those who would be told" },
      { flags: "--environment <env>", description: "test: of this environment, to those who would be told" },
      { flags: "--to <name>", description: "test: to this notifier alone" },
      { flags: "--limit <count>", description: "log: how many (20)" },
    ],
    examples: [
      "shiplock notify test",
      "shiplock notify test --event failed --environment production",
      "shiplock notify log",
    ],
    load: () => import("./notify.ts"),
  },
  {
    name: "audit",
    summary: "who did what in an environment; --verify: whether somebody changed the log, exit 1 if so",
    arguments: [environment],
    flags: [
      { flags: "--limit <count>", description: "how many of the newest entries (50)" },
      { flags: "--since <when>", description: "only those since a day (2026-11-20) or for so long (2d)" },
      { flags: "--verify", description: "find a line that was changed, removed, put in or moved" },
      {
        flags: "--head <hash>",
        description: "verify that the log still holds the end that a deployment told; finds one that was written anew",
      },
    ],
    examples: ["shiplock audit production --since 7d", "shiplock audit production --verify --head 1f0c5a7be2d94c11"],
    load: () => import("./audit.ts"),
  },
  {
    name: "review",
    summary: "say that you have looked at somebody else's emergency",
    arguments: [
      environment,
      { name: "deployment", description: "the only one that is due, if left out", required: false },
    ],
    flags: [{ flags: "--comment <text>", description: "what was found; kept in the record and the audit log" }],
    examples: ['shiplock review production d-1f0c5a7b --comment "right call; the check is mended in #41"'],
    load: () => import("./review.ts"),
  },
  {
    name: "diff",
    summary: "what a promotion would bring: commits, images, configuration; and what would stay",
    arguments: [
      { name: "from", description: "environment that runs it", required: true },
      { name: "to", description: "environment that would run it", required: true },
    ],
    flags: [],
    examples: ["shiplock diff staging production"],
    load: () => import("./diff.ts"),
  },
  {
    name: "logs",
    summary: "what the services of an environment write",
    arguments: [
      environment,
      { name: "services", description: "only these; also backing services", required: false, variadic: true },
    ],
    flags: [
      { flags: "-f, --follow", description: "go on until Ctrl-C" },
      { flags: "--tail <lines>", description: "how many of the last lines per container (100)" },
    ],
    examples: ["shiplock logs production web -f"],
    load: () => import("./logs.ts"),
  },
  {
    name: "drift",
    summary: "whether what runs is what is recorded; exit 1 if not",
    arguments: [environment],
    flags: [],
    examples: ["shiplock drift production"],
    load: () => import("./drift.ts"),
  },
];
