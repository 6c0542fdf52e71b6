import { messageOf, ShiplockError } from "../../errors.ts";
import type { HostFinding } from "../types.ts";
import type { ComposeHost } from "./run.ts";
import { edgeName } from "./steps/edge.ts";

/** A clock that is further off than this makes records and certificates wrong. */
const clockToleranceMs = 30_000;

/** What a deployment needs of one host, looked at without changing more than a scratch file. */
export async function diagnoseHost(host: Omit<ComposeHost, "translation">, now: () => Date): Promise<HostFinding[]> {
  const checks: [string, () => Promise<string>][] = [
    ["engine", () => engine(host)],
    ["folder", () => folder(host)],
    ["clock", () => clock(host, now)],
    ["proxy", () => proxy(host)],
  ];
  return Promise.all(
    checks.map(async ([name, look]) => {
      try {
        return { host: host.name, name, ok: true, said: await look(), remedy: null };
      } catch (error) {
        return {
          host: host.name,
          name,
          ok: false,
          said: messageOf(error),
          remedy: error instanceof ShiplockError ? (error.remedy ?? null) : null,
        };
      }
    }),
  );
}

async function engine(host: Omit<ComposeHost, "translation">): Promise<string> {
  const info = await host.host.engine.info();
  return `Docker Engine ${info.version} (API ${info.apiVersion}), ${info.os}/${info.architecture}, ${Math.round(info.memoryBytes / 1024 / 1024)} MB of memory, ${info.storageDriver}`;
}

async function folder(host: Omit<ComposeHost, "translation">): Promise<string> {
  await host.host.files.mkdirs(host.layout.root, 0o755);
  const path = `${host.layout.root}/doctor`;
  await host.host.files.write(path, "can be written\n");
  await host.host.files.remove(path);
  return `${host.layout.root} can be written`;
}

async function clock(host: Omit<ComposeHost, "translation">, now: () => Date): Promise<string> {
  const path = `${host.layout.root}/doctor-clock`;
  await host.host.files.mkdirs(host.layout.root, 0o755);
  await host.host.files.write(path, "");
  const seen = await host.host.files.stat(path);
  await host.host.files.remove(path);
  const offMs = Math.abs((seen?.mtimeMs ?? 0) - now().getTime());
  if (offMs <= clockToleranceMs) return "agrees with this machine's";
  throw new ShiplockError({
    code: "doctor/clock",
    message: `it is ${Math.round(offMs / 1000)} s off this machine's`,
    remedy: "synchronise it (`timedatectl set-ntp true`)",
  });
}

async function proxy(host: Omit<ComposeHost, "translation">): Promise<string> {
  const edge = await host.host.engine.inspectContainer(edgeName);
  if (edge === null) return "not set up yet; the first deployment does it";
  if (edge.state.running) return `runs (${edge.image})`;
  throw new ShiplockError({
    code: "doctor/proxy",
    message: `${edgeName} is there but does not run: ${edge.state.error || `exit code ${edge.state.exitCode}`}`,
    remedy: `start it on the host with \`docker start ${edgeName}\`, or deploy, which does the same`,
  });
}
