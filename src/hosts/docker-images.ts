import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { ShiplockError } from "../errors.ts";
import { boundsOf, filtersOf, segment } from "./docker-containers.ts";
import { decodeHistoryEntry, decodeImage, decodeImageSummary } from "./docker-decode.ts";
import { jsonLines } from "./docker-streams.ts";
import type { EngineTransport } from "./docker-transport.ts";
import { type Engine, EngineError, type RegistryAuth, type TransferProgress } from "./engine.ts";
import { engineRefusal } from "./engine-refusal.ts";
import { cancelledError } from "./host-errors.ts";
import { isObject, type JsonObject, textAt } from "./json.ts";

type ImageCalls = Pick<
  Engine,
  | "listImages"
  | "inspectImage"
  | "pullImage"
  | "pushImage"
  | "tagImage"
  | "imageHistory"
  | "saveImages"
  | "loadImages"
  | "removeImage"
>;

const TRANSFER_MS = 600_000;
const ARCHIVE_BEGINS_MS = 600_000;
const LOAD_MS = 3_600_000;
const ARCHIVE_STALLS_MS = 120_000;

/**
 * Splits an image reference for the engine: `fromImage` and `tag`, where a digest goes as the tag.
 *
 * @param reference `name`, `name:tag`, `name@sha256:…` or `name:tag@sha256:…` (the digest then decides)
 */
export function splitReference(reference: string): { name: string; tag: string } {
  const [beforeDigest = "", digest] = reference.split("@");
  const slash = beforeDigest.lastIndexOf("/");
  const colon = beforeDigest.indexOf(":", slash + 1);
  const name = colon === -1 ? beforeDigest : beforeDigest.slice(0, colon);
  if (digest !== undefined) return { name, tag: digest };
  return { name, tag: colon === -1 ? "latest" : beforeDigest.slice(colon + 1) };
}

function authHeader(auth: RegistryAuth | undefined): Record<string, string> {
  if (auth === undefined) return { "X-Registry-Auth": Buffer.from("{}").toString("base64url") };
  const fields =
    "identityToken" in auth
      ? { identitytoken: auth.identityToken, serveraddress: auth.serverAddress }
      : { username: auth.username, password: auth.password, serveraddress: auth.serverAddress };
  // The engine decodes the URL-safe alphabet and, in older versions, demands the padding.
  const encoded = Buffer.from(JSON.stringify(fields)).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
  return { "X-Registry-Auth": encoded };
}

function progressOf(line: JsonObject): TransferProgress {
  const detail = isObject(line.progressDetail) ? line.progressDetail : {};
  return {
    id: textAt(line, "id"),
    status: textAt(line, "status"),
    ...(typeof detail.current === "number" ? { current: detail.current } : {}),
    ...(typeof detail.total === "number" ? { total: detail.total } : {}),
  };
}

type TransferBounds = { timeoutMs: number; signal: AbortSignal | undefined };

/** Reads a pull's or push's lines to the end. The engine answers 200 first and tells a failure inside of the stream. */
async function readTransfer(
  host: string,
  request: string,
  response: IncomingMessage,
  bounds: TransferBounds,
  onLine: (line: JsonObject) => void,
): Promise<void> {
  const late = new EngineError({
    code: "engine/timeout",
    host,
    request,
    message: `The engine on ${host} did not finish the transfer within ${bounds.timeoutMs} ms`,
    remedy: "Check the line that the image comes by, then run the command again; what has arrived as a whole is kept.",
  });
  const timer = setTimeout(() => response.destroy(late), bounds.timeoutMs);
  const abort = () => response.destroy(cancelledError(host, bounds.signal?.reason));
  bounds.signal?.addEventListener("abort", abort, { once: true });
  try {
    for await (const line of jsonLines(response)) {
      const failure = textAt(line, "error") || textAt(line.errorDetail, "message");
      if (failure !== "") throw engineRefusal(host, request, 500, failure);
      onLine(line);
    }
  } catch (error) {
    if (error instanceof ShiplockError) throw error;
    const message = `The transfer of an image on ${host} was cut before its end`;
    const remedy = "Run the command again; what has arrived as a whole is kept.";
    throw new EngineError({ code: "engine/stream-cut", host, request, message, remedy, cause: error });
  } finally {
    clearTimeout(timer);
    bounds.signal?.removeEventListener("abort", abort);
    response.destroy();
  }
}

/**
 * The pieces of an archive that an engine gives out.
 * @param stallMs how long a piece is waited for; a reader that takes its time is not counted
 */
export async function* readArchive(
  host: string,
  response: Readable,
  signal: AbortSignal | undefined,
  stallMs: number = ARCHIVE_STALLS_MS,
): AsyncGenerator<Uint8Array, void, undefined> {
  const abort = () => response.destroy(cancelledError(host, signal?.reason));
  signal?.addEventListener("abort", abort, { once: true });
  try {
    const pieces = response[Symbol.asyncIterator]();
    for (;;) {
      const timer = setTimeout(() => response.destroy(stalled(host, stallMs)), stallMs);
      const next = await pieces.next().finally(() => clearTimeout(timer));
      if (next.done === true) return;
      yield next.value as Buffer;
    }
  } catch (error) {
    if (error instanceof ShiplockError) throw error;
    const message = `The archive of an image on ${host} was cut before its end`;
    const remedy = "Run the command again.";
    throw new EngineError({
      code: "engine/stream-cut",
      host,
      request: "GET /images/get",
      message,
      remedy,
      cause: error,
    });
  } finally {
    signal?.removeEventListener("abort", abort);
    response.destroy();
  }
}

function stalled(host: string, stallMs: number): EngineError {
  return new EngineError({
    code: "engine/timeout",
    host,
    request: "GET /images/get",
    message: `The engine on ${host} gave nothing more of an image for ${stallMs / 1000} s`,
    remedy: "Check the load and the disk of that machine, then run the command again.",
  });
}

/** The calls of the Engine port that are about images. */
export function imageCalls(transport: EngineTransport): ImageCalls {
  return {
    async listImages(options) {
      const others = options?.reference === undefined ? {} : { reference: [options.reference] };
      const query = { filters: filtersOf(options?.labels, others) };
      const answer = await transport.json({ method: "GET", path: "/images/json", query, ...boundsOf(options) });
      return Array.isArray(answer) ? answer.map(decodeImageSummary) : [];
    },
    async inspectImage(reference, options) {
      const path = `/images/${segment(reference)}/json`;
      const answer = await transport.json({ method: "GET", path, ...boundsOf(options) }, [404]);
      return answer === null ? null : decodeImage(answer);
    },
    async pullImage(reference, auth, onProgress, options) {
      const { name, tag } = splitReference(reference);
      const query = { fromImage: name, tag, platform: options?.platform };
      const bounds = { timeoutMs: options?.timeoutMs ?? TRANSFER_MS, signal: options?.signal };
      const call = { method: "POST", path: "/images/create", query, headers: authHeader(auth), ...bounds } as const;
      const response = await transport.open(call);
      await readTransfer(transport.host, `POST /images/create ${reference}`, response, bounds, (line) =>
        onProgress?.(progressOf(line)),
      );
    },
    async pushImage(reference, auth, onProgress, options) {
      const { name, tag } = splitReference(reference);
      const path = `/images/${segment(name)}/push`;
      const bounds = { timeoutMs: options?.timeoutMs ?? TRANSFER_MS, signal: options?.signal };
      const response = await transport.open({
        method: "POST",
        path,
        query: { tag },
        headers: authHeader(auth),
        ...bounds,
      });
      let digest = "";
      await readTransfer(transport.host, `POST ${path}`, response, bounds, (line) => {
        digest = textAt(line.aux, "Digest") || digest;
        if (line.aux === undefined) onProgress?.(progressOf(line));
      });
      return digest;
    },
    async tagImage(reference, repository, tag, options) {
      const path = `/images/${segment(reference)}/tag`;
      await transport.call({ method: "POST", path, query: { repo: repository, tag }, ...boundsOf(options) });
    },
    async imageHistory(reference, options) {
      const path = `/images/${segment(reference)}/history`;
      const answer = await transport.json({ method: "GET", path, ...boundsOf(options) });
      const entries = Array.isArray(answer) ? answer.map(decodeHistoryEntry) : [];
      return entries.reverse();
    },
    async *saveImages(ids, options) {
      const path = `/images/get?${new URLSearchParams(ids.map((id): [string, string] => ["names", id])).toString()}`;
      const bounds = { timeoutMs: options?.timeoutMs ?? ARCHIVE_BEGINS_MS, signal: options?.signal };
      const response = await transport.open({ method: "GET", path, ...bounds });
      yield* readArchive(transport.host, response, options?.signal);
    },
    async loadImages(archive, options) {
      const bounds = { timeoutMs: options?.timeoutMs ?? LOAD_MS, signal: options?.signal };
      const request = "POST /images/load";
      let failure: unknown;
      async function* upload() {
        try {
          yield* archive;
        } catch (error) {
          failure = error;
          throw error;
        }
      }
      try {
        const call = { method: "POST", path: "/images/load", query: { quiet: "1" }, upload: upload() } as const;
        const response = await transport.open({ ...call, ...bounds });
        await readTransfer(transport.host, request, response, bounds, () => undefined);
      } catch (error) {
        // The engine only saw the end of a connection; why it ended is known here.
        throw failure ?? error;
      }
    },
    async removeImage(reference, options) {
      await transport.call({ method: "DELETE", path: `/images/${segment(reference)}`, ...boundsOf(options) }, [404]);
    },
  };
}
