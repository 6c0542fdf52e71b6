import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../errors.ts";
import { splitReference } from "../../hosts/docker-images.ts";
import type { Engine } from "../../hosts/engine.ts";
import { runProgram } from "../../process.ts";
import type { BuildEvent, Builder, BuildRequest, Built } from "../build.ts";
import type { EngineLogin, RegistryLogin } from "../registry/types.ts";
import { buildArguments, type CacheKind } from "./arguments.ts";
import { temporaryClientConfig } from "./client-config.ts";
import { readEvents } from "./events.ts";
import { buildFailed } from "./failure.ts";

export type BuildxOptions = {
  /** Variables of the process: which engine, which user. */
  env: Readonly<Record<string, string | undefined>>;
  engine: Engine;
  /** The login that the configuration names for the project's registry, for its cache and for base images there; null for none. Docker's own are there anyway. */
  login: RegistryLogin | null;
  /** Finds the login with which the engine pushes the cache. */
  auth: EngineLogin;
};

/** Most lines that are kept of what the client says beside the event stream. */
const keptLines = 200;

/** BuildKit through `docker buildx build` on this machine's engine. Needs buildx 0.13 or later, for its event stream. */
export function buildxBuilder(options: BuildxOptions): Builder {
  return { build: (request) => build(request, options) };
}

async function build(request: BuildRequest, options: BuildxOptions): Promise<Built> {
  const { cache, signal } = request;
  const writes = cache?.write === true && request.purpose === "keep";
  const containerd = writes && (await options.engine.info({ signal })).containerdImageStore;
  const kind: CacheKind = containerd ? "registry" : "inline";
  const built = await runBuildx({ ...request, cache: cache && { ...cache, write: writes } }, kind, options);
  if (writes && kind === "inline") await pushCache(request, cache.reference, options);
  return built;
}

async function runBuildx(
  request: BuildRequest,
  kind: CacheKind,
  { env, engine, login }: BuildxOptions,
): Promise<Built> {
  const client = login === null ? null : await temporaryClientConfig(login, env);
  const rest: string[] = [];
  const events = readEvents(request.tell);
  try {
    const result = await runProgram("docker", buildArguments(request, kind), {
      env: { ...env, ...client?.variables, ...request.secrets, BUILDX_NO_DEFAULT_ATTESTATIONS: "1" },
      timeoutMs: request.timeoutMs,
      signal: request.signal,
      // Everything is read line by line; nothing of it is needed as a whole.
      keepBytes: 64 * 1024,
      onLine: (line) => {
        if (events.line(line)) return;
        rest.push(line);
        if (rest.length > keptLines) rest.shift();
      },
    });
    events.end();
    if (result.exitCode !== 0) {
      // One that cannot be read is what the builder complains about.
      const dockerfile = await readFile(join(request.context, request.dockerfile), "utf8").catch(() => null);
      throw buildFailed(request, rest, events.failed(), dockerfile);
    }
    const image =
      request.purpose === "keep" ? await engine.inspectImage(request.reference, { signal: request.signal }) : null;
    return { ...events.counts(), sizeBytes: image?.sizeBytes ?? null };
  } finally {
    await client?.remove();
  }
}

/** With the engine's own image store the cache is part of the image, so that the image is pushed once more under the cache's name. A failure costs the next run its cache. */
async function pushCache(request: BuildRequest, reference: string, { engine, auth }: BuildxOptions): Promise<void> {
  const { signal } = request;
  const { name, tag } = splitReference(reference);
  try {
    await engine.tagImage(request.reference, name, tag, { signal });
    await engine.pushImage(reference, await auth(name), undefined, { signal, timeoutMs: request.timeoutMs });
  } catch (error) {
    signal.throwIfAborted();
    const event: BuildEvent = { kind: "warning", text: `the layer cache could not be written: ${messageOf(error)}` };
    request.tell(event);
  }
}
