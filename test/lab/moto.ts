import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, globSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { canInstall, unpackFromSuite } from "./apt.ts";
import { labRoot, withLock } from "./record.ts";

/** The package names flask-cors nowhere, and its server needs it. */
const packages = ["python3-moto", "python3-flask-cors", "python3-yaml"];

const prepareMs = 5 * 60_000;
const startMs = 60_000;

/** An AWS of this machine: Secrets Manager, SSM and STS of moto, which answers everybody. */
export type Moto = { readonly endpoint: string; end(): Promise<void> };

/** Why it cannot be had here; null when it can. */
export function motoMissing(): string | null {
  return canInstall() ? null : "moto is taken from Debian's archive as root";
}

/** Starts moto of Debian 13 on a free port of the loopback interface. What it needs is fetched once (10 s) and kept beside the labs. */
export async function startMoto(log: (line: string) => void = () => undefined): Promise<Moto> {
  const folder = join(labRoot(), "cache", "moto");
  mkdirSync(dirname(folder), { recursive: true });
  await withLock(`${folder}.lock`, prepareMs, async () => {
    if (existsSync(folder)) return;
    const making = `${folder}.making`;
    rmSync(making, { recursive: true, force: true });
    await unpackFromSuite("trixie", packages, making, log, true);
    renameSync(making, folder);
  });
  // Its own C library: that of this machine may be older.
  const [loader = ""] = globSync("usr/lib/*-linux-gnu/ld-linux*.so.*", { cwd: folder });
  const [python = ""] = globSync("usr/bin/python3.*[0-9]", { cwd: folder });
  const args = ["--library-path", join(folder, dirname(loader)), join(folder, python)];
  const child = spawn(join(folder, loader), [...args, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PYTHONHOME: join(folder, "usr"),
      PYTHONPATH: join(folder, "usr/lib/python3/dist-packages"),
      PYTHONDONTWRITEBYTECODE: "1",
      PYTHONUNBUFFERED: "1",
    },
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const end = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  try {
    return { endpoint: await addressOf(child), end };
  } catch (cause) {
    await end();
    throw cause;
  }
}

function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    const timer = setTimeout(() => reject(new Error(`moto did not start in time: ${said}`)), startMs);
    const listen = (chunk: Buffer): void => {
      said += chunk.toString("utf8");
      const address = /Running on (http:\/\/127\.0\.0\.1:\d+)/.exec(said)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    };
    child.stdout?.on("data", listen);
    child.stderr?.on("data", listen);
    child.once("close", (code) => {
      clearTimeout(timer);
      reject(new Error(`moto ended with ${code}: ${said.slice(-2000)}`));
    });
  });
}
