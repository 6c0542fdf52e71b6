import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ShiplockError } from "../../src/errors.ts";
import { gatewayOf } from "./network.ts";
import { endProcess, isAlive, must, startDaemon, tail, waitFor } from "./process.ts";
import type { LabPaths, LabRecord } from "./record.ts";

/** The lab's registry: plain HTTP with a login. `address` is `host:port`. */
export type RegistryAccess = { address: string; username: string; password: string };

const PORT = 5000;

/** Address and login of the lab's registry; the password is made once per lab and kept. */
export function registryAccess(paths: LabPaths, record: LabRecord): RegistryAccess {
  mkdirSync(paths.registry, { recursive: true, mode: 0o700 });
  const file = join(paths.registry, "password");
  if (!existsSync(file)) writeFileSync(file, `lab-${crypto.randomUUID()}`, { mode: 0o600 });
  return { address: `${gatewayOf(record.subnet)}:${PORT}`, username: "shiplock", password: readFileSync(file, "utf8") };
}

/** The registry's answer to a request without a login, or 0 when it does not answer. */
export async function registryStatus(access: RegistryAccess): Promise<number> {
  try {
    const response = await fetch(`http://${access.address}/v2/`, { signal: AbortSignal.timeout(3000) });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}

/** Starts the registry on the bridge's address and returns when it asks for a login. What was pushed before is still there. */
export async function startRegistryOf(paths: LabPaths, record: LabRecord, save: () => void): Promise<void> {
  if (record.registry !== undefined && isAlive(record.registry)) return;
  const access = registryAccess(paths, record);
  const passwords = join(paths.registry, "htpasswd");
  const hashed = await must(["htpasswd", "-niB", "-C", "5", access.username], { input: access.password });
  writeFileSync(passwords, hashed, { mode: 0o600 });
  const config = {
    version: 0.1,
    log: { level: "warn", accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: join(paths.registry, "data") },
      delete: { enabled: true },
      cache: { blobdescriptor: "inmemory" },
    },
    http: { addr: access.address },
    auth: { htpasswd: { realm: "shiplock-lab", path: passwords } },
  };
  const file = join(paths.registry, "config.yml");
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config, null, 2), { mode: 0o600 });
  const logFile = paths.log("registry");
  const path = { PATH: "/usr/local/bin:/usr/bin:/bin" };
  record.registry = await startDaemon(["docker-registry", "serve", file], { logFile, env: path });
  save();
  const registry = record.registry;
  await waitFor(
    "the registry",
    async () => {
      if (isAlive(registry)) return (await registryStatus(access)) === 401;
      throw new ShiplockError({
        code: "lab-registry",
        message: `the registry ended: ${tail(logFile)}`,
        where: logFile,
      });
    },
    { timeoutMs: 15_000, detail: () => tail(logFile) },
  );
}

/** Stops the registry; what was pushed stays on disk. */
export async function stopRegistryOf(record: LabRecord): Promise<void> {
  if (record.registry !== undefined) await endProcess(record.registry, 5000);
  delete record.registry;
}
