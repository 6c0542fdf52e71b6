import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ShiplockError } from "../../../src/errors.ts";
import { must } from "../process.ts";

/** What the images take over from the machine they are made on, so that `npm ci` works in an image build there. */
export type Machine = {
  architecture: "x64" | "arm64";
  /** The certificates this machine trusts, as one PEM bundle; undefined when it keeps none at the usual places. */
  certificates: Buffer | undefined;
  /** The lines of the machine's npm configuration that have to do with reaching the registry. */
  npmrc: string;
  /** The Debian archive that the machine's own apt uses; undefined leaves debootstrap's default. */
  mirror: string | undefined;
  /** The Node.js 24 binary of this repository's dependencies. */
  nodeBinary: string;
  /** That binary's version, such as 24.1.0. */
  nodeVersion: string;
};

/** What takes other programs to find out: a second of work, for each of the sixty times that a run of all tests asks. */
type Asked = Pick<Machine, "npmrc" | "mirror" | "nodeVersion">;

/** Holds what was asked once for all processes of a run, as JSON. */
const askedVariable = "SHIPLOCK_LAB_MACHINE";

const bundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/** The bundle's place in every image, Debian's. */
export const bundleInImage = "/etc/ssl/certs/ca-certificates.crt";

/** Looks at this machine. Throws when it is of another architecture or has no Node.js 24 among its dependencies. */
export async function lookAtMachine(): Promise<Machine> {
  const architecture = process.arch;
  if (architecture !== "x64" && architecture !== "arm64") {
    throw new ShiplockError({
      code: "lab-architecture",
      message: `the lab makes images for x64 and arm64, and this machine is ${architecture}`,
    });
  }
  const bundle = bundles.find((path) => existsSync(path));
  const binary = nodeBinary(architecture);
  const asked = process.env[askedVariable];
  return {
    architecture,
    certificates: bundle === undefined ? undefined : readFileSync(bundle),
    nodeBinary: binary,
    ...(asked === undefined ? await ask(binary, bundle !== undefined) : (JSON.parse(asked) as Asked)),
  };
}

/** Looks at this machine for all processes that are started from now on. */
export async function lookAtMachineOnce(): Promise<void> {
  const { npmrc, mirror, nodeVersion } = await lookAtMachine();
  process.env[askedVariable] = JSON.stringify({ npmrc, mirror, nodeVersion });
}

async function ask(binary: string, hasBundle: boolean): Promise<Asked> {
  const [npm, mirror, version] = await Promise.all([
    npmrc(hasBundle),
    debianMirror(),
    must([binary, "--version"], { timeoutMs: 10_000 }),
  ]);
  return { npmrc: npm, mirror, nodeVersion: version.trim().replace(/^v/, "") };
}

function nodeBinary(architecture: Machine["architecture"]): string {
  const root = join(import.meta.dirname, "..", "..", "..");
  const packaged = join(root, "node_modules", `node-linux-${architecture}`, "bin", "node");
  if (existsSync(packaged)) return packaged;
  if (process.version.startsWith("v24.")) return process.execPath;
  throw new ShiplockError({
    code: "lab-node",
    message: `there is no Node.js 24 for the image node:24-slim: ${packaged} is missing`,
    remedy: "run `npm ci` in this repository",
  });
}

async function npmrc(hasBundle: boolean): Promise<string> {
  const lines = ["update-notifier=false", "fund=false", "audit=false"];
  if (hasBundle) lines.push(`cafile=${bundleInImage}`);
  // From the root folder, so that no project's own configuration takes part.
  const text = await must(["npm", "config", "list", "--json"], { timeoutMs: 30_000, cwd: "/" });
  const config = JSON.parse(text) as Record<string, unknown>;
  for (const key of ["registry", "proxy", "https-proxy", "noproxy"]) {
    const value = config[key];
    if (typeof value === "string" && value !== "") lines.push(`${key}=${value}`);
  }
  return `${lines.join("\n")}\n`;
}

async function debianMirror(): Promise<string | undefined> {
  const format = "$(ORIGIN) $(COMPONENT) $(CODENAME) $(REPO_URI)";
  const text = await must(["apt-get", "indextargets", "--format", format, "Created-By: Packages"], {
    timeoutMs: 30_000,
  });
  const archives = text
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([origin, component, codename]) => origin === "Debian" && component === "main" && !codename?.includes("-"));
  return archives[0]?.[3];
}
