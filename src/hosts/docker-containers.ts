import type { IncomingMessage } from "node:http";
import { ShiplockError } from "../errors.ts";
import { decodeContainer, decodeContainerSummary } from "./docker-decode.ts";
import { demultiplex, linesOf, unframed } from "./docker-streams.ts";
import type { EngineTransport } from "./docker-transport.ts";
import {
  type CallOptions,
  type Engine,
  EngineError,
  type ExecOptions,
  type ExecResult,
  type LogOptions,
} from "./engine.ts";
import { flagAt, type JsonObject, numberAt, objectAt, textAt } from "./json.ts";

type ContainerCalls = Pick<
  Engine,
  | "listContainers"
  | "inspectContainer"
  | "createContainer"
  | "startContainer"
  | "stopContainer"
  | "killContainer"
  | "removeContainer"
  | "renameContainer"
  | "waitContainer"
  | "putArchive"
  | "getArchive"
  | "logs"
  | "exec"
>;

/** The engine's `filters` parameter for label filters and others; undefined when there are none. */
export function filtersOf(
  labels: readonly string[] | undefined,
  others: Record<string, string[]> = {},
): string | undefined {
  const filters = { ...others, ...(labels === undefined || labels.length === 0 ? {} : { label: [...labels] }) };
  return Object.keys(filters).length === 0 ? undefined : JSON.stringify(filters);
}

/** The timeout and the signal of a call, as the transport takes them. */
export function boundsOf(options: CallOptions | undefined): { timeoutMs?: number; signal?: AbortSignal } {
  return {
    ...(options?.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    ...(options?.signal === undefined ? {} : { signal: options.signal }),
  };
}

/** Part of a path for an id, name or reference of outside origin: a slash in it cannot lead elsewhere. */
export function segment(value: string): string {
  return encodeURIComponent(value);
}

/** Creating and starting may wait for a busy disk. */
const SLOW_MS = 120_000;

/** A container that is not there is 404 as well; only these words mean a file of it. */
const missingFile = /could not find the file|no such file or directory/i;

/** The calls of the Engine port that are about containers. */
export function containerCalls(transport: EngineTransport): ContainerCalls {
  async function act(
    method: "POST" | "DELETE",
    path: string,
    query: Record<string, string>,
    options: CallOptions | undefined,
    allow: number[],
  ) {
    await transport.call({ method, path, query, ...boundsOf(options) }, allow);
  }

  return {
    async listContainers(options) {
      const query = { all: options?.all === true ? "1" : undefined, filters: filtersOf(options?.labels) };
      const answer = await transport.json({ method: "GET", path: "/containers/json", query, ...boundsOf(options) });
      return Array.isArray(answer) ? answer.map(decodeContainerSummary) : [];
    },
    async inspectContainer(id, options) {
      const answer = await transport.json(
        { method: "GET", path: `/containers/${segment(id)}/json`, ...boundsOf(options) },
        [404],
      );
      return answer === null ? null : decodeContainer(answer);
    },
    async createContainer(name, body, options) {
      const call = { method: "POST", path: "/containers/create", query: { name }, body, timeoutMs: SLOW_MS } as const;
      return textAt(await transport.json({ ...call, ...boundsOf(options) }), "Id");
    },
    async startContainer(id, options) {
      await act("POST", `/containers/${segment(id)}/start`, {}, { timeoutMs: SLOW_MS, ...options }, []);
    },
    async putArchive(id, path, tar, options) {
      const call = {
        method: "PUT",
        path: `/containers/${segment(id)}/archive`,
        query: { path },
        timeoutMs: SLOW_MS,
        ...(tar instanceof Uint8Array ? { tar } : { upload: tar, fresh: true }),
      } as const;
      await transport.call({ ...call, ...boundsOf(options) });
    },
    async getArchive(id, path, options) {
      const timeoutMs = options?.timeoutMs ?? SLOW_MS;
      const request = `GET /containers/${segment(id)}/archive`;
      try {
        const response = await transport.open({
          method: "GET",
          path: `/containers/${segment(id)}/archive`,
          query: { path },
          timeoutMs,
          signal: options?.signal,
        });
        return readArchive(transport.host, request, response, timeoutMs);
      } catch (error) {
        const missing = error instanceof EngineError && error.status === 404 && missingFile.test(error.engineMessage);
        if (missing) return null;
        throw error;
      }
    },
    async stopContainer(id, { graceSeconds, signal }) {
      const options = { timeoutMs: graceSeconds * 1000 + 30_000, ...(signal === undefined ? {} : { signal }) };
      await act("POST", `/containers/${segment(id)}/stop`, { t: String(Math.ceil(graceSeconds)) }, options, []);
    },
    async killContainer(id, signalName, options) {
      await act("POST", `/containers/${segment(id)}/kill`, { signal: signalName }, options, []);
    },
    async removeContainer(id, options) {
      const query = { force: options.force ? "1" : "0", v: options.volumes === true ? "1" : "0" };
      const bounds = { timeoutMs: SLOW_MS, ...boundsOf(options) };
      try {
        await act("DELETE", `/containers/${segment(id)}`, query, bounds, [404]);
      } catch (error) {
        // Somebody else's removal is as good as this one, once it has ended.
        if (!(error instanceof EngineError) || !/is already in progress/.test(error.engineMessage)) throw error;
        await act("POST", `/containers/${segment(id)}/wait`, { condition: "removed" }, bounds, [404]);
      }
    },
    async renameContainer(id, name, options) {
      await act("POST", `/containers/${segment(id)}/rename`, { name }, options, []);
    },
    async waitContainer(id, timeoutMs, options) {
      const call = {
        method: "POST",
        path: `/containers/${segment(id)}/wait`,
        query: { condition: "not-running" },
        timeoutMs,
      } as const;
      try {
        const answer = await transport.json({ ...call, fresh: true, ...boundsOf(options) });
        return numberAt(answer, "StatusCode");
      } catch (error) {
        if (error instanceof EngineError && error.code === "engine/timeout") return null;
        throw error;
      }
    },
    logs(id, options) {
      return readLogs(transport, id, options ?? {});
    },
    exec(containerId, argv, options) {
      return runExec(transport, containerId, argv, options);
    },
  };
}

async function* readArchive(
  host: string,
  request: string,
  response: IncomingMessage,
  timeoutMs: number,
): AsyncGenerator<Uint8Array> {
  const late = new EngineError({
    code: "engine/timeout",
    host,
    request,
    message: `The engine on ${host} did not give the files within ${timeoutMs} ms`,
    remedy: "Check the load of the host, then run the command again.",
  });
  const timer = setTimeout(() => response.destroy(late), timeoutMs);
  try {
    for await (const chunk of response) yield chunk as Buffer;
  } catch (error) {
    if (error instanceof ShiplockError) throw error;
    throw cutStream(host, request, error);
  } finally {
    clearTimeout(timer);
    response.destroy();
  }
}

async function* readLogs(transport: EngineTransport, id: string, options: LogOptions) {
  const path = `/containers/${segment(id)}/logs`;
  const inspected = await transport.json({ method: "GET", path: `/containers/${segment(id)}/json` });
  const terminal = flagAt(objectAt(inspected, "Config"), "Tty");
  const query = {
    stdout: "1",
    stderr: "1",
    tail: options.tail === undefined ? "all" : String(options.tail),
    since: options.since === undefined ? undefined : String(options.since),
    follow: options.follow === true ? "1" : undefined,
    timestamps: options.timestamps === true ? "1" : undefined,
  };
  const response = await transport.open({ method: "GET", path, query, signal: options.signal });
  const source: AsyncIterable<Buffer> = response;
  try {
    for await (const { stream, line } of linesOf(terminal ? unframed(source) : demultiplex(source))) {
      if (options.timestamps !== true) {
        yield { stream, line };
        continue;
      }
      const space = line.indexOf(" ");
      yield space === -1
        ? { stream, line: "", time: line }
        : { stream, line: line.slice(space + 1), time: line.slice(0, space) };
    }
  } catch (error) {
    if (error instanceof ShiplockError) throw error;
    throw cutStream(transport.host, `GET ${path}`, error);
  } finally {
    response.destroy();
  }
}

async function runExec(
  transport: EngineTransport,
  containerId: string,
  argv: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  const bounds = { timeoutMs: options.timeoutMs, signal: options.signal };
  const body: JsonObject = {
    Cmd: [...argv],
    AttachStdout: true,
    AttachStderr: true,
    ...(options.user === undefined ? {} : { User: options.user }),
    ...(options.env === undefined
      ? {}
      : { Env: Object.entries(options.env).map(([name, value]) => `${name}=${value}`) }),
  };
  const path = `/containers/${segment(containerId)}/exec`;
  const id = textAt(await transport.json({ method: "POST", path, body, ...bounds }), "Id");
  const start = `/exec/${segment(id)}/start`;
  const response = await transport.open({
    method: "POST",
    path: start,
    body: { Detach: false, Tty: false },
    ...bounds,
  });
  const output = await readExecOutput(transport.host, response, `POST ${start}`, options.timeoutMs);
  return { ...output, exitCode: await execExitCode(transport, id) };
}

async function readExecOutput(host: string, response: IncomingMessage, request: string, timeoutMs: number) {
  const chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  const late = new EngineError({
    code: "engine/timeout",
    host,
    request,
    message: `The command in the container on ${host} did not end within ${timeoutMs} ms`,
    remedy: "Look at what the command waits for, or give it a longer timeout.",
  });
  const timer = setTimeout(() => response.destroy(late), timeoutMs);
  try {
    for await (const { stream, chunk } of demultiplex(response)) chunks[stream].push(Buffer.from(chunk));
  } catch (error) {
    if (error instanceof ShiplockError) throw error;
    throw cutStream(host, request, error);
  } finally {
    clearTimeout(timer);
  }
  return {
    stdout: Buffer.concat(chunks.stdout).toString("utf8"),
    stderr: Buffer.concat(chunks.stderr).toString("utf8"),
  };
}

/** A cut exec stream looks like its normal end, so only the engine's word that it no longer runs counts. */
async function execExitCode(transport: EngineTransport, id: string): Promise<number> {
  const path = `/exec/${segment(id)}/json`;
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const answer = await transport.json({ method: "GET", path });
    if (!flagAt(answer, "Running")) return numberAt(answer, "ExitCode");
    // The stream's end comes a moment before the engine's own note of it.
    await new Promise((resolve) => setTimeout(resolve, 10 * attempt));
  }
  throw cutStream(transport.host, `GET ${path}`, undefined);
}

function cutStream(host: string, request: string, cause: unknown): EngineError {
  return new EngineError({
    code: "engine/stream-cut",
    host,
    request,
    message: `The stream from the engine on ${host} was cut before its end`,
    remedy: "Run the command again; it looks first at what has already happened.",
    cause,
  });
}
