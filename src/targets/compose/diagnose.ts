import { messageOf, ShiplockError } from "../../errors.ts";
import type { Container } from "../../hosts/engine.ts";
import { edgeConfig } from "../../proxy/caddy/edge-config.ts";
import { judgeCaddy, testedCaddy } from "../../proxy/caddy/version.ts";
import type { HostFinding } from "../types.ts";
import { routerName } from "./routers.ts";
import type { ComposeHost, ComposeSettings } from "./run.ts";
import { edgeName } from "./steps/edge.ts";
import { currentGeneration } from "./steps/generations.ts";

type DiagnosedHost = Pick<ComposeHost, "name" | "host" | "layout">;

const versionTimeoutMs = 15_000;
const notYet = "not set up yet; the first deployment does it";

/** A clock that is further off than this makes records and certificates wrong. */
const clockToleranceMs = 30_000;

/** What a deployment needs of one host, looked at without changing more than a scratch file. */
export async function diagnoseHost(
  host: DiagnosedHost,
  proxy: ComposeSettings["proxy"],
  now: () => Date,
): Promise<HostFinding[]> {
  const checks: [string, () => Promise<string>][] = [
    ["engine", () => engine(host)],
    ["folder", () => folder(host)],
    ["clock", () => clock(host, now)],
    ["edge", () => edge(host, proxy)],
    ["router", () => router(host)],
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

async function engine(host: DiagnosedHost): Promise<string> {
  const info = await host.host.engine.info();
  return `Docker Engine ${info.version} (API ${info.apiVersion}), ${info.os}/${info.architecture}, ${Math.round(info.memoryBytes / 1024 / 1024)} MB of memory, ${info.storageDriver}`;
}

async function folder(host: DiagnosedHost): Promise<string> {
  await host.host.files.mkdirs(host.layout.root, 0o755);
  const path = `${host.layout.root}/doctor`;
  await host.host.files.write(path, "can be written\n");
  await host.host.files.remove(path);
  return `${host.layout.root} can be written`;
}

async function clock(host: DiagnosedHost, now: () => Date): Promise<string> {
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

async function edge(host: DiagnosedHost, proxy: ComposeSettings["proxy"]): Promise<string> {
  const container = await host.host.engine.inspectContainer(edgeName);
  if (container === null) return notYet;
  const runs = await caddyIn(host, container);
  const written = await host.host.files.read(`${host.layout.edge}/caddy.json`);
  const ports = new Set(container.ports.map((port) => port.hostPort));
  const wanted = [proxy.http, ...(proxy.tls === "off" ? [] : [proxy.https])];
  const same = new TextDecoder().decode(written ?? new Uint8Array()) === JSON.stringify(edgeConfig(proxy.tls));
  if (same && wanted.every((port) => ports.has(port))) return runs;
  const differs =
    "set up with other settings than `proxy` has here (ports, certificates), or by another version of Shiplock";
  // An environment without a router need not want the edge: in place, services have their own ports.
  if ((await currentRouter(host)) === null) return `${runs}, ${differs}`;
  throw new ShiplockError({
    code: "doctor/edge-settings",
    message: `${runs}, but it was ${differs}`,
    remedy: `all environments of a host share its edge: let them agree, then \`docker rm -f ${edgeName}\` there and run \`shiplock setup\`, which makes it anew; nothing answers for about a second`,
  });
}

async function router(host: DiagnosedHost): Promise<string> {
  const container = await currentRouter(host);
  return container === null ? notYet : caddyIn(host, container);
}

/** The router that has the environment's traffic; null before there was one. */
async function currentRouter(host: DiagnosedHost): Promise<Container | null> {
  const generation = await currentGeneration(host);
  return generation === null ? null : host.host.engine.inspectContainer(routerName(host.layout, generation));
}

/** The version in a proxy's container, read from the program itself: a tag such as `caddy:2` does not say. */
async function caddyIn(host: DiagnosedHost, { name, image, state }: Container): Promise<string> {
  if (!state.running) {
    throw new ShiplockError({
      code: "doctor/proxy",
      message: `${name} is there but does not run: ${state.error || `exit code ${state.exitCode}`}`,
      remedy: `start it on the host with \`docker start ${name}\`, or deploy, which does the same`,
    });
  }
  const { stdout } = await host.host.engine.exec(name, ["caddy", "version"], { timeoutMs: versionTimeoutMs });
  const { ok, said } = judgeCaddy(stdout);
  if (ok) return `${said} (${image})`;
  throw new ShiplockError({
    code: "doctor/caddy",
    message: `${name} runs ${said} (${image})`,
    remedy: `let \`proxy.image\` name a Caddy that is 2.6 or newer; tested is ${testedCaddy}`,
  });
}
