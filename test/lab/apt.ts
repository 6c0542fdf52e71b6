import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { ShiplockError } from "../../src/errors.ts";
import { must, run } from "./process.ts";

const UPDATE_MS = 5 * 60_000;
const INSTALL_MS = 15 * 60_000;
const APT_ENVIRONMENT = { ...process.env, DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_SUSPEND: "1", LC_ALL: "C" };

/** Whether this process may install packages: root, on a system with apt. */
export function canInstall(): boolean {
  return process.getuid?.() === 0 && existsSync("/usr/bin/apt-get") && existsSync("/usr/bin/dpkg-deb");
}

/** Version that apt would install of each of these packages; undefined for one it does not know. */
export async function candidates(packages: readonly string[]): Promise<Map<string, string | undefined>> {
  const text = await must(["apt-cache", "policy", ...packages], { env: APT_ENVIRONMENT });
  const found = new Map<string, string | undefined>(packages.map((name) => [name, undefined]));
  let current = "";
  for (const line of text.split("\n")) {
    const heading = /^(\S+):$/.exec(line);
    if (heading !== null) current = heading[1] ?? "";
    const candidate = /^ {2}Candidate: (\S+)$/.exec(line)?.[1];
    if (candidate !== undefined && candidate !== "(none)") found.set(current, candidate);
  }
  return found;
}

/** Refreshes apt's lists. A source that does not answer is no error yet: what is needed may come from another. */
export async function updateLists(log: (line: string) => void): Promise<void> {
  log("apt-get update");
  const result = await run(["apt-get", "-q", "update"], { timeoutMs: UPDATE_MS, env: APT_ENVIRONMENT });
  if (result.code !== 0) log(`apt-get update ended with ${result.code}: ${result.stderr.trim().slice(-300)}`);
}

/** Installs packages without questions and without starting their services. */
export async function installPackages(packages: readonly string[], log: (line: string) => void): Promise<void> {
  log(`apt-get install ${packages.join(" ")}`);
  const options = ["-q", "-y", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=300"];
  await withoutServices(() =>
    must(["apt-get", ...options, "install", ...packages], { timeoutMs: INSTALL_MS, env: APT_ENVIRONMENT }),
  );
}

const POLICY = "/usr/sbin/policy-rc.d";
const OWN_POLICY = "#!/bin/sh\n# shiplock-lab: packages do not start their services now\nexit 101\n";

async function withoutServices<T>(work: () => Promise<T>): Promise<T> {
  const aside = `${POLICY}.shiplock-lab`;
  const ownIsThere = existsSync(POLICY) && readFileSync(POLICY, "utf8") === OWN_POLICY;
  // After a crash ours is still there, and the machine's own is the one set aside.
  if (existsSync(POLICY) && !ownIsThere) renameSync(POLICY, aside);
  writeFileSync(POLICY, OWN_POLICY);
  chmodSync(POLICY, 0o755);
  try {
    return await work();
  } finally {
    rmSync(POLICY);
    if (existsSync(aside)) renameSync(aside, POLICY);
  }
}

/**
 * Unpacks packages of another Debian suite into a folder, without installing them. The archive is the one the machine's own
 * Debian sources name; lists and downloads live beside the folder, so the machine's apt does not change.
 * @param into folder that holds the packages' files afterwards (`into`/usr/...)
 * @param withDependencies also unpacks everything they need, down to the C library, so that they run beside an older system
 */
export async function unpackFromSuite(
  suite: string,
  packages: readonly string[],
  into: string,
  log: (line: string) => void,
  withDependencies = false,
): Promise<void> {
  const work = `${into}.apt`;
  for (const folder of ["state/lists/partial", "cache/archives/partial", "debs"]) {
    mkdirSync(join(work, folder), { recursive: true });
  }
  const { uri, keyring } = await ownArchive();
  writeFileSync(join(work, "sources.list"), `deb [signed-by=${keyring}] ${uri} ${suite} main\n`);
  const isolated = [
    `Dir::State=${join(work, "state")}`,
    // As if nothing were installed, everything that is needed is new.
    `Dir::State::status=${withDependencies ? "/dev/null" : "/var/lib/dpkg/status"}`,
    `Dir::Cache=${join(work, "cache")}`,
    `Dir::Etc::sourcelist=${join(work, "sources.list")}`,
    "Dir::Etc::sourceparts=-",
    "Dir::Etc::preferences=-",
    "Dir::Etc::preferencesparts=-",
    "APT::Sandbox::User=root",
  ].flatMap((setting) => ["-o", setting]);
  log(`fetching ${packages.join(", ")} from Debian ${suite}`);
  await must(["apt-get", "-q", ...isolated, "update"], { timeoutMs: UPDATE_MS, env: APT_ENVIRONMENT });
  const fetching = withDependencies ? ["-y", "--no-install-recommends", "--download-only", "install"] : ["download"];
  const debs = join(work, withDependencies ? "cache/archives" : "debs");
  await unpack([...isolated, ...fetching, ...packages], debs, into);
  rmSync(work, { recursive: true, force: true });
}

/**
 * Unpacks packages as this machine's apt would install them into a folder, without installing them. Those that it does not know are left out.
 * @param into folder that holds the packages' files afterwards (`into`/usr/...)
 */
export async function unpackPackages(
  packages: readonly string[],
  into: string,
  log: (line: string) => void,
): Promise<void> {
  let known = await candidates(packages);
  if (known.get(packages[0] ?? "") === undefined) {
    await updateLists(log);
    known = await candidates(packages);
  }
  const debs = `${into}.debs`;
  mkdirSync(debs, { recursive: true });
  const wanted = packages.filter((name) => known.get(name) !== undefined);
  await unpack(["-o", "APT::Sandbox::User=root", "download", ...wanted], debs, into);
  rmSync(debs, { recursive: true, force: true });
}

async function unpack(download: readonly string[], debs: string, into: string): Promise<void> {
  await must(["apt-get", "-q", ...download], { timeoutMs: INSTALL_MS, env: APT_ENVIRONMENT, cwd: debs });
  mkdirSync(into, { recursive: true });
  for (const deb of readdirSync(debs).filter((name) => name.endsWith(".deb"))) {
    await must(["dpkg-deb", "--extract", join(debs, deb), into]);
  }
}

/** Address and keyring of the Debian archive this machine installs from. */
async function ownArchive(): Promise<{ uri: string; keyring: string }> {
  const codename = /^VERSION_CODENAME=(.+)$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "";
  const format = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(SIGNED_BY)";
  const targets = await must([
    "apt-get",
    "indextargets",
    "--no-release-info",
    "--format",
    format,
    "Identifier: Packages",
  ]);
  const main = targets
    .split("\n")
    .map((line) => line.split("|"))
    .find(([, release, component]) => (release === codename || release === "stable") && component === "main");
  const keyring = main?.[3]?.startsWith("/") ? main[3] : "/usr/share/keyrings/debian-archive-keyring.gpg";
  if (main?.[0] !== undefined && existsSync(keyring)) return { uri: main[0], keyring };
  throw new ShiplockError({
    code: "lab-archive",
    message: "this machine's apt sources name no Debian archive, or the package debian-archive-keyring is missing",
    remedy: "Install the Docker CLI plugins compose (2.24 or later) and buildx by hand.",
  });
}
