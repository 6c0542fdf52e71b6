import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { systemClock, waitFor } from "../../../src/clock.ts";
import { digestOf } from "../../../src/release/registry/manifest.ts";
import type { PutBlob } from "./images.ts";

export const LOGIN = { username: "ada", password: "p:ä$(x)" };

export type DockerRegistry = { host: string; putBlob: PutBlob; stop(): Promise<void> };

/** Why the real registry cannot run here, or null. */
export function dockerRegistryMissing(): string | null {
  const missing = ["/usr/bin/docker-registry", "/usr/bin/htpasswd"].filter((program) => !existsSync(program));
  return missing.length === 0
    ? null
    : `${missing.join(" and ")} missing: apt-get install docker-registry apache2-utils`;
}

/** Starts Debian's docker-registry on a free loopback port, with one login and its storage in a temporary folder. */
export async function startDockerRegistry(): Promise<DockerRegistry> {
  const folder = await mkdtemp(join(tmpdir(), "shiplock-registry-"));
  const { stdout } = await promisify(execFile)("htpasswd", ["-Bbn", LOGIN.username, LOGIN.password], {
    timeout: 10_000,
  });
  await writeFile(join(folder, "htpasswd"), stdout);
  const host = `127.0.0.1:${await freePort()}`;
  const config = {
    version: 0.1,
    log: { level: "error" },
    storage: { filesystem: { rootdirectory: join(folder, "storage") }, delete: { enabled: true } },
    http: { addr: host },
    auth: { htpasswd: { realm: "lab", path: join(folder, "htpasswd") } },
  };
  // JSON is YAML.
  await writeFile(join(folder, "config.yml"), JSON.stringify(config));
  const child = spawn("docker-registry", ["serve", join(folder, "config.yml")], { stdio: "ignore" });

  async function stop(): Promise<void> {
    if (child.exitCode === null && child.signalCode === null && child.kill("SIGKILL")) await once(child, "exit");
    await rm(folder, { recursive: true, force: true });
  }

  const up = await waitFor(systemClock, { timeoutMs: 15_000, intervalMs: 30 }, async () => {
    if (child.exitCode !== null) throw new Error(`docker-registry ended with ${child.exitCode}`);
    const answer = await fetch(`http://${host}/v2/`, { signal: AbortSignal.timeout(2000) }).catch(() => null);
    await answer?.body?.cancel();
    return answer?.status === 401 ? true : null;
  }).catch(async (cause: unknown) => {
    await stop();
    throw cause;
  });
  if (!up) {
    await stop();
    throw new Error("docker-registry did not answer within 15 s");
  }
  return { host, putBlob: (at, bytes) => uploadBlob(host, at.repository, bytes), stop };
}

async function uploadBlob(host: string, repository: string, bytes: Uint8Array): Promise<string> {
  const authorization = `Basic ${Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString("base64")}`;
  const digest = digestOf(bytes);
  const signal = AbortSignal.timeout(10_000);
  const begun = await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, {
    method: "POST",
    headers: { authorization },
    signal,
  });
  const url = new URL(begun.headers.get("location") ?? "", `http://${host}`);
  url.searchParams.set("digest", digest);
  const headers = { authorization, "content-type": "application/octet-stream" };
  const ended = await fetch(url.href, { method: "PUT", headers, body: Uint8Array.from(bytes), signal });
  if (ended.status !== 201) throw new Error(`upload ended with ${ended.status}: ${await ended.text()}`);
  return digest;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
