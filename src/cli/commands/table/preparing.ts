import { dirty, environment, noWait, ref } from "./parts.ts";
import type { CommandEntry } from "./types.ts";

/** What a project needs before its first deployment, and whom it tells. */
export const preparing: readonly CommandEntry[] = [
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
    load: () => import("../init.ts"),
  },
  {
    name: "doctor",
    summary: "check everything a deployment needs, and say how to mend what is missing",
    arguments: [{ ...environment, required: false }],
    flags: [],
    examples: ["shiplock doctor", "shiplock doctor production"],
    load: () => import("../doctor.ts"),
  },
  {
    name: "setup",
    summary: "set up what an environment's hosts lack: network, proxy, backing services",
    arguments: [environment],
    flags: [ref, dirty, noWait],
    examples: ["shiplock setup staging"],
    changes: true,
    load: () => import("../setup.ts"),
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
    load: () => import("../secrets.ts"),
  },
  {
    name: "workflows",
    summary: "write GitHub workflows from the configuration; lint or import those that somebody wrote by hand",
    arguments: [
      { name: "action", description: "lint or import; workflows are written if left out", required: false },
      { name: "files", description: "with lint or import: only these files", required: false, variadic: true },
    ],
    flags: [
      {
        flags: "--check",
        description: "write nothing; exit 1 when a workflow differs from the configuration",
        conflicts: ["sarif"],
      },
      { flags: "--sarif <file>", description: "lint: also write the findings to a file (SARIF 2.1.0)" },
      { flags: "--write", description: "import: make the proposal shiplock.yml, unless there is one" },
    ],
    examples: [
      "shiplock workflows",
      "shiplock workflows --check",
      "shiplock workflows lint",
      "shiplock workflows import",
      "shiplock workflows import .github/workflows/deploy.yml --write",
    ],
    load: () => import("../workflows.ts"),
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
    load: () => import("../notify.ts"),
  },
];
