import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createShopRepository } from "../../test/lab/app-history.ts";
import { ensureBaseImages } from "../../test/lab/images/base-images.ts";
import { type Lab, startLab } from "../../test/lab/lab.ts";
import { inParallel, must } from "../../test/lab/process.ts";
import { labPaths, labRoot } from "../../test/lab/record.ts";
import type { Machine } from "./commands.ts";
import type { Paper } from "./paper.ts";

/** The lab of the demo; nobody else's has this name. */
export const labName = "demo";

/** Everything the demo plays on. */
export type Stage = {
  lab: Lab;
  /** Ada's machine: the shop's repository. */
  ada: Machine;
  /** Another machine, with a clone and no history of its own. */
  machineOf(who: string): Promise<Machine>;
  /** The command line that is shown, as it is built for users. */
  program: string;
};

const root = join(import.meta.dirname, "../..");
export const buildImages = ["node:24-slim", "python:3.13-slim"];
const hostImages = ["caddy:2", "postgres:17", "redis:8"];
const enginesAtOnce = 2;

/** The demo's own folder: repositories, homes, histories. It goes with the demo, or with `lab stop --purge`. */
export function stageFolder(): string {
  return join(labPaths(labName).base, "stage");
}

/**
 * Brings up two bare hosts, a registry and an engine that builds, with the base images on them, and the shop's repository.
 * Minutes the first time, seconds later.
 */
export async function setStage(paper: Paper, signal: AbortSignal): Promise<Stage> {
  const log = (line: string): void => paper.aside(line);
  const lab = await startLab({ name: labName, hosts: 2, log });
  for (const host of lab.hosts) {
    signal.throwIfAborted();
    await lab.resetHost(host);
  }
  signal.throwIfAborted();
  // What the runner makes is in the cache for the hosts; what they have already is not loaded again.
  const cacheDir = join(labRoot(), "cache");
  const images = [...buildImages, ...hostImages];
  await ensureBaseImages({ socketPath: lab.runnerSocket, cacheDir, only: images, log });
  await inParallel(lab.hosts, enginesAtOnce, async ({ socketPath }) => {
    signal.throwIfAborted();
    await ensureBaseImages({ socketPath, cacheDir, only: hostImages, log });
  });
  signal.throwIfAborted();
  rmSync(stageFolder(), { recursive: true, force: true });
  const program = await builtProgram();
  const secrets = {
    REGISTRY_PASSWORD: lab.registry.password,
    POSTGRES_PASSWORD: randomBytes(18).toString("base64url"),
  };
  const ada = machineAt("ada", lab, secrets);
  const { commits } = await createShopRepository(ada.folder, { configure: [...shopConfiguration(lab), ...gates] });
  await must(["git", "-C", ada.folder, "branch", "feature/stock", commits.v2]);
  return {
    lab,
    ada,
    program,
    machineOf: async (who) => {
      const machine = machineAt(who, lab, secrets);
      await must(["git", "clone", "--quiet", ada.folder, machine.folder], { env: { ...machine.env } });
      return machine;
    },
  };
}

/** Somebody's machine below `at`: a home, a folder for temporary files and a history of its own; the clone is made by the caller. */
export function machineAt(
  who: string,
  lab: Lab,
  secrets: Readonly<Record<string, string>>,
  at = stageFolder(),
): Machine {
  const base = join(at, who);
  const [home, temporary] = [join(base, "home"), join(base, "tmp")];
  for (const folder of [home, temporary]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  return {
    who,
    folder: join(base, "shop"),
    env: {
      PATH: `${dirname(process.execPath)}:${process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"}`,
      HOME: home,
      TMPDIR: temporary,
      LANG: "C.UTF-8",
      SHIPLOCK_WHO: who,
      SHIPLOCK_SSH_CONFIG: lab.sshConfigPath,
      SHIPLOCK_LEDGER: join(base, "ledger.db"),
      DOCKER_HOST: `unix://${lab.runnerSocket}`,
      ...secrets,
    },
  };
}

/** Who may put what where in the demo: the environments of the example itself stand open. */
const gates = [
  { path: ["environments", "staging", "on"], value: { push: "main" } },
  { path: ["environments", "staging", "guard"], value: true },
  { path: ["environments", "production", "reviewers"], value: ["grace"] },
];

/** What the shop's configuration has to say in this lab. */
export function shopConfiguration({ registry, hosts }: Lab) {
  const { address, username } = registry;
  return [
    {
      path: ["registry"],
      value: { address: `${address}/shop`, insecure: true, username, password: "REGISTRY_PASSWORD" },
    },
    { path: ["environments", "production", "variables", "DATABASE_HOST"], value: hosts[0]?.address },
    ...["staging", "production"].map((name) => ({ path: ["environments", name, "bake"], value: "2s" })),
  ];
}

/** Builds what users install, and takes a copy, which a build of somebody else meanwhile does not change. */
async function builtProgram(): Promise<string> {
  const copy = join(stageFolder(), "program");
  await must([process.execPath, join(root, "scripts/build.ts")], { cwd: root, timeoutMs: 180_000 });
  cpSync(join(root, "dist"), copy, { recursive: true });
  writeFileSync(join(copy, "package.json"), `${JSON.stringify({ type: "module" })}\n`);
  return join(copy, "shiplock.js");
}
