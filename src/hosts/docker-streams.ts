import { StringDecoder } from "node:string_decoder";
import { isObject, type JsonObject } from "./json.ts";

export type Frame = { stream: "stdout" | "stderr"; chunk: Buffer };

const HEADER_BYTES = 8;

/**
 * Takes apart the engine's multiplexed stream: frames of one byte stream number, three of zero, four of length, then the data.
 *
 * @throws Error when the stream ends inside of a frame: what was cut is no end
 */
export async function* demultiplex(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const part of source) {
    rest = rest.length === 0 ? part : Buffer.concat([rest, part]);
    while (rest.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + rest.readUInt32BE(4);
      if (rest.length < end) break;
      yield { stream: rest[0] === 2 ? "stderr" : "stdout", chunk: rest.subarray(HEADER_BYTES, end) };
      rest = rest.subarray(end);
    }
  }
  if (rest.length > 0) throw new Error("the stream ended inside of a frame");
}

/** The stream of a container with a terminal, which knows no frames. */
export async function* unframed(source: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  for await (const chunk of source) yield { stream: "stdout", chunk };
}

/** Frames as whole lines, each stream for itself; a last line without its end comes at the end. */
export async function* linesOf(
  frames: AsyncIterable<Frame>,
): AsyncGenerator<{ stream: "stdout" | "stderr"; line: string }> {
  const decoders = { stdout: new StringDecoder("utf8"), stderr: new StringDecoder("utf8") };
  const pending = { stdout: "", stderr: "" };
  for await (const { stream, chunk } of frames) {
    const lines = (pending[stream] + decoders[stream].write(chunk)).split("\n");
    pending[stream] = lines.pop() ?? "";
    for (const line of lines) yield { stream, line: line.endsWith("\r") ? line.slice(0, -1) : line };
  }
  for (const stream of ["stdout", "stderr"] as const) {
    if (pending[stream] !== "") yield { stream, line: pending[stream] };
  }
}

/** The objects of a stream of JSON lines; lines that are no objects are left out. */
export async function* jsonLines(source: AsyncIterable<Buffer>): AsyncGenerator<JsonObject> {
  for await (const { line } of linesOf(unframed(source))) {
    if (line.trim() === "") continue;
    const parsed: unknown = JSON.parse(line);
    if (isObject(parsed)) yield parsed;
  }
}
