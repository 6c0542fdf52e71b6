import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseDocument } from "yaml";
import { type ConfigChange, createSwitchboardRepository, type SwitchboardVersion } from "../../lab/app-history.ts";
import type { LabHost } from "../../lab/host.ts";
import type { Lab } from "../../lab/lab.ts";
import { must } from "../../lab/process.ts";
import { type CommandResult, type RunningCommand, startCommand } from "./command.ts";
import { type Answer, askEdge } from "./edge.ts";
import { environmentState } from "./observe.ts";
import type { EnvironmentState } from "../../../src/environments/record/types.ts";

export type ProjectOptions = {
  /** Name in shiplock.yml; "switchboard" unless told. It is part of every address, so two projects do not meet. */
  name?: string;
  /** Hosts of staging and production; the first host and all hosts unless told. */
  hosts?: { staging?: readonly string[]; production?: readonly string[] };
  /** Without a registry in shiplock.yml. */
  withoutRegistry?: boolean;
  /** Further values in shiplock.yml, from the first commit on. */
  configure?: readonly ConfigChange[];
  /** The first version; `{ version: "v1" }` unless told. */
  first?: SwitchboardVersion;
};

export type RunOptions = {
  /** Variables beside the minimal environment; undefined takes one away. */
  env?: Readonly<Record<string, string | undefined>>;
  cwd?: string;
  timeoutMs?: number;
};

/** A clone of the switchboard with a home and a ledger of its own: one developer's machine. */
export type Project = AsyncDisposable & {
  readonly name: string;
  /** The working tree. */
  readonly folder: string;
  /** Home of the user who runs the commands. */
  readonly home: string;
  /** Folder for temporary files of the commands: empty when nothing was left behind. */
  readonly temporary: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs `shiplock ARGS` to its end. */
  run(args: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** Like `run`, but fails with all output unless the exit code is 0. */
  must(args: readonly string[], options?: RunOptions): Promise<CommandResult>;
  /** Starts `shiplock ARGS` and returns at once. */
  start(args: readonly string[], options?: RunOptions): RunningCommand;
  /** Kills the commands that still run, as a test that failed half-way leaves them, and waits for their end. */
  killRunning(): Promise<void>;
  /** Commits a version with its switches (baked into the image) on the branch that is checked out, tagged with its name. Returns the commit. */
  commitVersion(version: string, switches?: Omit<SwitchboardVersion, "version">): Promise<string>;
  /** Changes values in shiplock.yml (undefined takes a key out) without committing. */
  configure(changes: readonly ConfigChange[]): void;
  /** Writes a file of the working tree without committing. */
  write(path: string, text: string): void;
  /** Commits whatever changed. Returns the commit. */
  commit(message: string): Promise<string>;
  git(args: readonly string[]): Promise<string>;
  /** Another clone with no local state: its own home, ledger and user, as on another machine. */
  clone(options?: { who?: string }): Promise<Project>;
  /** One request through the edge of a host, as a user's would come in. */
  curl(host: LabHost, path?: string, options?: CurlOptions): Promise<Answer>;
  /** The public host name of a service: what the `Host` header says. */
  address(environment?: string, service?: string): string;
  /** The environment record as it lies on the (home) host, read past the command line; null where nothing was ever deployed. */
  state(host: LabHost, environment?: string): EnvironmentState | null;
};

export type CurlOptions = {
  environment?: string;
  service?: string;
  method?: string;
  body?: string;
  timeoutMs?: number;
};

/** A repository of the switchboard for this lab, with version `v1` committed on `main` and production beside staging. */
export async function createProject(lab: Lab, options: ProjectOptions = {}): Promise<Project> {
  const name = options.name ?? "switchboard";
  const root = mkdtempSync(join(tmpdir(), "sle-"));
  const folder = join(root, "app");
  await createSwitchboardRepository(folder, [options.first ?? { version: "v1" }], {
    configure: [...labConfiguration(lab, name, options), ...(options.configure ?? [])],
  });
  return openProject(lab, { name, root, who: "ada" });
}

function labConfiguration(lab: Lab, name: string, options: ProjectOptions): ConfigChange[] {
  const all = lab.hosts.map((host) => host.name);
  return [
    { path: ["project"], value: name },
    { path: ["registry"], value: options.withoutRegistry === true ? undefined : registryOf(lab, name) },
    // The engine's archive of an image takes seconds for every build; the test of it switches it on.
    { path: ["images", "app", "sbom"], value: false },
    {
      path: ["environments", "staging", "target", "compose", "hosts"],
      value: options.hosts?.staging ?? all.slice(0, 1),
    },
    { path: ["environments", "production", "target", "compose", "hosts"], value: options.hosts?.production ?? all },
    ...["staging", "production"].flatMap((environment): ConfigChange[] => [
      { path: ["environments", environment, "variables", "WEB_HOST"], value: `${environment}.${name}.example.com` },
      { path: ["environments", environment, "bake"], value: 0 },
    ]),
  ];
}

function registryOf(lab: Lab, name: string) {
  const { address, username } = lab.registry;
  return { address: `${address}/${name}`, insecure: true, username, password: "REGISTRY_PASSWORD" };
}

function openProject(lab: Lab, { name, root, who }: { name: string; root: string; who: string }): Project {
  const folder = join(root, "app");
  const home = join(root, "home");
  const temporary = join(root, "tmp");
  for (const made of [home, temporary]) mkdirSync(made, { mode: 0o700 });
  const env: Record<string, string> = {
    PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
    HOME: home,
    TMPDIR: temporary,
    LANG: "C.UTF-8",
    SHIPLOCK_WHO: who,
    SHIPLOCK_SSH_CONFIG: lab.sshConfigPath,
    SHIPLOCK_LEDGER: join(root, "ledger.db"),
    DOCKER_HOST: `unix://${lab.runnerSocket}`,
    REGISTRY_PASSWORD: lab.registry.password,
  };

  const running = new Set<RunningCommand>();

  function start(args: readonly string[], options: RunOptions = {}): RunningCommand {
    const merged = Object.entries({ ...env, ...options.env }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    const command = startCommand(args, {
      cwd: options.cwd ?? folder,
      env: Object.fromEntries(merged),
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    });
    running.add(command);
    const forget = (): void => void running.delete(command);
    command.ended.then(forget, forget);
    return command;
  }

  async function killRunning(): Promise<void> {
    const left = [...running];
    for (const command of left) command.kill("SIGKILL");
    await Promise.allSettled(left.map((command) => command.ended));
  }

  const git = (args: readonly string[]): Promise<string> =>
    must(["git", "-C", folder, ...args], { env: gitEnvironment(home, who) });

  async function commit(message: string): Promise<string> {
    await git(["add", "--all"]);
    await git(["commit", "--quiet", "--allow-empty", "--message", message]);
    return (await git(["rev-parse", "HEAD"])).trim();
  }

  const address = (environment = "staging", service = "web"): string =>
    `${service === "web" ? "" : `${service}.`}${environment}.${name}.example.com`;

  const project: Project = {
    name,
    folder,
    home,
    temporary,
    env,
    start,
    run: (args, options) => start(args, options).ended,
    must: async (args, options) => {
      const result = await start(args, options).ended;
      if (result.code === 0) return result;
      throw new Error(`shiplock ${args.join(" ")} ended with ${result.code}:\n${result.stdout}\n${result.stderr}`);
    },
    killRunning,
    commitVersion: async (version, switches = {}) => {
      writeFileSync(join(folder, "version.json"), `${JSON.stringify({ version, ...switches }, null, 2)}\n`);
      const made = await commit(`Release ${version}`);
      await git(["tag", "--force", version]);
      return made;
    },
    configure: (changes) => configure(join(folder, "shiplock.yml"), changes),
    write: (path, text) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    },
    commit,
    git,
    clone: async (options = {}) => {
      const other = mkdtempSync(join(tmpdir(), "sle-"));
      await must(["git", "clone", "--quiet", folder, join(other, "app")], { env: gitEnvironment(other, who) });
      return openProject(lab, { name, root: other, who: options.who ?? "grace" });
    },
    address,
    curl: (host, path = "/", options = {}) =>
      askEdge(host.address, address(options.environment, options.service), path, {
        ...(options.method === undefined ? {} : { method: options.method }),
        ...(options.body === undefined ? {} : { body: options.body }),
        ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
      }),
    state: (host, environment = "staging") => environmentState(host, `${name}-${environment}`),
    [Symbol.asyncDispose]: async () => {
      await killRunning();
      rmSync(root, { recursive: true, force: true });
    },
  };
  return project;
}

function configure(file: string, changes: readonly ConfigChange[]): void {
  const document = parseDocument(readFileSync(file, "utf8"));
  for (const { path, value } of changes) {
    if (value === undefined) document.deleteIn(path);
    else document.setIn(path, document.createNode(value));
  }
  writeFileSync(file, document.toString({ lineWidth: 0 }));
}

function gitEnvironment(home: string, who: string): Record<string, string> {
  const identity = { NAME: who, EMAIL: `${who}@example.com` };
  return {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    HOME: home,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_AUTHOR_NAME: identity.NAME,
    GIT_AUTHOR_EMAIL: identity.EMAIL,
    GIT_COMMITTER_NAME: identity.NAME,
    GIT_COMMITTER_EMAIL: identity.EMAIL,
  };
}
