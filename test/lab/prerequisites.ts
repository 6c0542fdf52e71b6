import { accessSync, chmodSync, constants, copyFileSync, existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ShiplockError } from "../../src/errors.ts";
import { canInstall, candidates, installPackages, unpackFromSuite, updateLists } from "./apt.ts";
import { run } from "./process.ts";

/** A program the lab calls, and the packages that may hold it, the first that apt knows being taken. */
type Program = { program: string; packages: readonly string[] };

const PROGRAMS: readonly Program[] = [
  { program: "dockerd", packages: ["docker.io"] },
  { program: "docker", packages: ["docker-cli", "docker.io"] },
  { program: "containerd", packages: ["containerd"] },
  { program: "runc", packages: ["runc"] },
  { program: "caddy", packages: ["caddy"] },
  { program: "docker-registry", packages: ["docker-registry"] },
  { program: "debootstrap", packages: ["debootstrap"] },
  { program: "sshd", packages: ["openssh-server"] },
  { program: "ssh", packages: ["openssh-client"] },
  { program: "ssh-keygen", packages: ["openssh-client"] },
  { program: "iptables", packages: ["iptables"] },
  { program: "ip", packages: ["iproute2"] },
  { program: "tc", packages: ["iproute2"] },
  { program: "nsenter", packages: ["util-linux"] },
  { program: "unshare", packages: ["util-linux"] },
  { program: "setpriv", packages: ["util-linux"] },
  { program: "flock", packages: ["util-linux"] },
  { program: "mkfs.ext4", packages: ["e2fsprogs"] },
  { program: "htpasswd", packages: ["apache2-utils"] },
  { program: "busybox", packages: ["busybox-static"] },
  { program: "git", packages: ["git"] },
  { program: "openssl", packages: ["openssl"] },
];

/** A plugin of the docker CLI; `packages` are tried first, then the Debian 13 package's files. */
type Plugin = { plugin: string; packages: readonly string[]; trixie: string; atLeast: readonly [number, number] };

const PLUGINS: readonly Plugin[] = [
  {
    plugin: "docker-compose",
    packages: ["docker-compose-v2", "docker-compose"],
    trixie: "docker-compose",
    atLeast: [2, 24],
  },
  { plugin: "docker-buildx", packages: ["docker-buildx"], trixie: "docker-buildx", atLeast: [0, 13] },
];

/** Where packages put the plugins of the `docker` command. */
export const PLUGIN_FOLDERS = [
  "/usr/libexec/docker/cli-plugins",
  "/usr/lib/docker/cli-plugins",
  "/usr/local/libexec/docker/cli-plugins",
  "/usr/local/lib/docker/cli-plugins",
];

/** What of the lab's needs this machine lacks: programs and plugins by name, empty when it has all. Quick; changes nothing. */
export function missingPrerequisites(env: NodeJS.ProcessEnv = process.env): string[] {
  return [
    ...missingPrograms(env).map(({ program }) => program),
    ...missingPlugins().map(({ plugin }) => `${plugin} (plugin)`),
  ];
}

/**
 * Makes sure that everything the lab calls is there. As root on Debian or Ubuntu it installs what is missing (services are
 * not started); otherwise it throws a ShiplockError that says what to install.
 * @param options.root folder for what is fetched and kept
 */
export async function ensurePrerequisites(options: { log: (line: string) => void; root: string }): Promise<void> {
  if (missingPrerequisites().length === 0) return;
  if (!canInstall()) throw missingError(missingPrerequisites());
  options.log(`missing here: ${missingPrerequisites().join(", ")}`);
  const programs = missingPrograms(process.env);
  if (programs.length > 0) await installPackages(await choosePackages(programs, options.log), options.log);
  for (const plugin of missingPlugins()) await addPlugin(plugin, options);
  const still = missingPrerequisites();
  if (still.length > 0) throw missingError(still);
}

function missingPrograms(env: NodeJS.ProcessEnv): Program[] {
  const folders = [...(env["PATH"] ?? "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"];
  return PROGRAMS.filter(({ program }) => !folders.some((folder) => isExecutable(join(folder, program))));
}

function missingPlugins(): Plugin[] {
  // Only the system's folders count: the hosts share those, not the home folder of whoever runs the tests.
  return PLUGINS.filter(({ plugin }) => !PLUGIN_FOLDERS.some((folder) => isExecutable(join(folder, plugin))));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function choosePackages(programs: readonly Program[], log: (line: string) => void): Promise<string[]> {
  const all = [...new Set(programs.flatMap(({ packages }) => packages))];
  let known = await candidates(all);
  const unknown = programs.some(({ packages }) => packages.every((name) => known.get(name) === undefined));
  if (unknown) {
    await updateLists(log);
    known = await candidates(all);
  }
  const chosen = programs.map(({ program, packages }) => {
    const found = packages.find((name) => known.get(name) !== undefined);
    if (found !== undefined) return found;
    throw missingError([program]);
  });
  return [...new Set(chosen)];
}

async function addPlugin(plugin: Plugin, options: { log: (line: string) => void; root: string }): Promise<void> {
  const known = await candidates(plugin.packages);
  const fitting = plugin.packages.find((name) => isAtLeast(known.get(name), plugin.atLeast));
  if (fitting !== undefined) {
    await installPackages([fitting], options.log);
    return;
  }
  const folder = PLUGIN_FOLDERS[0] ?? "";
  const unpacked = join(options.root, "cache", plugin.trixie);
  const binary = join(unpacked, folder, plugin.plugin);
  if (!existsSync(binary)) {
    rmSync(unpacked, { recursive: true, force: true });
    await unpackFromSuite("trixie", [plugin.trixie], unpacked, options.log);
  }
  const works = await run([binary, "docker-cli-plugin-metadata"], { timeoutMs: 20_000 });
  if (works.code !== 0) {
    throw new ShiplockError({
      code: "lab-plugin",
      message: `${plugin.plugin} of Debian 13 does not run here: ${works.stderr.trim().slice(0, 300)}`,
      remedy: `Install the Docker CLI plugin ${plugin.plugin} in ${folder}.`,
    });
  }
  mkdirSync(folder, { recursive: true });
  copyFileSync(binary, join(folder, plugin.plugin));
  chmodSync(join(folder, plugin.plugin), 0o755);
  options.log(`${plugin.plugin} is in ${folder}`);
}

function isAtLeast(version: string | undefined, [major, minor]: readonly [number, number]): boolean {
  const match = /^(?:\d+:)?(\d+)\.(\d+)/.exec(version ?? "");
  if (match === null) return false;
  const [have, haveMinor] = [Number(match[1]), Number(match[2])];
  return have > major || (have === major && haveMinor >= minor);
}

function missingError(missing: readonly string[]): ShiplockError {
  const byName = new Map(PROGRAMS.map(({ program, packages }) => [program, packages.at(-1) ?? program]));
  const packages = missing.map((name) => byName.get(name)).filter((name) => name !== undefined);
  const plugins = missing.filter((name) => name.endsWith("(plugin)"));
  const steps = [
    ...(packages.length === 0 ? [] : [`Install as root: apt-get install ${[...new Set(packages)].join(" ")}.`]),
    ...(plugins.length === 0
      ? []
      : [`Put the Docker CLI plugins compose (2.24 or later) and buildx into ${PLUGIN_FOLDERS[0]}.`]),
    "Run as root on Debian or Ubuntu, this is done by itself.",
  ];
  return new ShiplockError({
    code: "lab-prerequisites",
    message: `the lab needs what this machine lacks: ${missing.join(", ")}`,
    blame: "usage",
    remedy: steps.join(" "),
  });
}
