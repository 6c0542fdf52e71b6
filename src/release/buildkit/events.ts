import { stripVTControlCharacters } from "node:util";
import * as z from "zod";
import type { BuildEvent, Built } from "../build.ts";

/** One document of `docker buildx build --progress=rawjson`: what BuildKit's solve status says, as the client writes it. */
const status = z.object({
  vertexes: z
    .array(
      z.object({
        digest: z.string(),
        name: z.string().default(""),
        started: z.string().optional(),
        completed: z.string().optional(),
        cached: z.boolean().optional(),
        error: z.string().optional(),
      }),
    )
    .nullish(),
  logs: z.array(z.object({ vertex: z.string(), stream: z.int().default(1), data: z.base64() })).nullish(),
  warnings: z
    .array(z.object({ vertex: z.string().optional(), short: z.base64(), detail: z.array(z.base64()).nullish() }))
    .nullish(),
});

type Vertex = NonNullable<z.infer<typeof status>["vertexes"]>[number];

/** The step that failed, as BuildKit tells it, and what it wrote last. */
export type FailedStep = { step: string; reason: string; lastLines: readonly string[] };

export type EventReader = {
  /** @returns whether the line belongs to the event stream; other lines are the client's own words */
  line(text: string): boolean;
  /** Says what was held back because its line had not ended. */
  end(): void;
  counts(): Pick<Built, "instructions" | "cached">;
  failed(): FailedStep | null;
};

const keptLines = 40;
/** A line that grows beyond this is said in parts. */
const longestLine = 64 * 1024;

/** Turns BuildKit's event stream into what happens, told once each and in order. */
export function readEvents(tell: (event: BuildEvent) => void): EventReader {
  const steps = new Map<string, Step>();
  let failure: Step | null = null;
  /** The lines of a document that has not ended. */
  let open: string[] = [];

  function stepOf(digest: string): Step {
    const known = steps.get(digest) ?? { name: "", state: "new", reason: "", pending: new Map(), lastLines: [] };
    steps.set(digest, known);
    return known;
  }

  function vertex(of: Vertex): void {
    const step = stepOf(of.digest);
    step.name = of.name === "" ? step.name : of.name;
    if (step.state === "ended") return;
    if (of.started !== undefined && of.completed === undefined && step.state === "new") {
      step.state = "began";
      tell({ kind: "step-began", step: step.name });
    }
    if (of.completed === undefined) return;
    flush(step);
    step.state = "ended";
    const ms = Math.max(0, Date.parse(of.completed) - Date.parse(of.started ?? of.completed));
    if (of.error !== undefined && of.error !== "") {
      step.reason = of.error;
      // What was stopped because another step failed is no failure of its own.
      if (!/context cancell?ed/i.test(of.error)) failure ??= step;
      tell({ kind: "step-failed", step: step.name, ms, reason: of.error });
    } else if (of.cached === true) {
      step.cached = true;
      tell({ kind: "step-cached", step: step.name });
    } else tell({ kind: "step-done", step: step.name, ms });
  }

  function log(digest: string, stream: number, data: Buffer): void {
    const step = stepOf(digest);
    const decoder = step.pending.get(stream) ?? { text: "", utf8: new TextDecoder() };
    step.pending.set(stream, decoder);
    const lines = (decoder.text + decoder.utf8.decode(data, { stream: true })).split("\n");
    decoder.text = lines.pop() ?? "";
    if (decoder.text.length > longestLine) lines.push(decoder.text.slice(0, longestLine));
    if (decoder.text.length > longestLine) decoder.text = decoder.text.slice(longestLine);
    for (const line of lines) say(step, line);
  }

  function flush(step: Step): void {
    for (const { text } of step.pending.values()) if (text !== "") say(step, text);
    step.pending.clear();
  }

  function say(step: Step, written: string): void {
    // A bar of progress writes over its own line; the last state counts.
    const line = stripVTControlCharacters(written.replace(/\r$/, "").split("\r").at(-1) ?? "");
    step.lastLines.push(line);
    if (step.lastLines.length > keptLines) step.lastLines.shift();
    tell({ kind: "log", step: step.name, line });
  }

  function document(text: string): boolean {
    const read = status.safeParse(jsonOf(text));
    if (!read.success) return false;
    for (const of of read.data.vertexes ?? []) vertex(of);
    for (const { vertex: digest, stream, data } of read.data.logs ?? [])
      log(digest, stream, Buffer.from(data, "base64"));
    for (const { short, detail } of read.data.warnings ?? [])
      tell({ kind: "warning", text: [short, ...(detail ?? [])].map(decoded).join("; ") });
    return true;
  }

  return {
    // buildx 0.13 writes a document over many lines, indented; later ones write one per line.
    line: (text) => {
      if (open.length === 0 && text !== "{") return document(text);
      open.push(text);
      if (text !== "}") return true;
      const whole = open.join("\n");
      open = [];
      return document(whole);
    },
    end: () => {
      for (const step of steps.values()) flush(step);
    },
    counts: () => {
      const instructions = [...steps.values()].filter(({ name, state }) => state === "ended" && isInstruction(name));
      return { instructions: instructions.length, cached: instructions.filter((step) => step.cached === true).length };
    },
    failed: () =>
      failure === null ? null : { step: failure.name, reason: failure.reason, lastLines: failure.lastLines },
  };
}

type Step = {
  name: string;
  state: "new" | "began" | "ended";
  cached?: boolean;
  reason: string;
  /** By stream: a line that has not ended yet. */
  pending: Map<number, { text: string; utf8: InstanceType<typeof TextDecoder> }>;
  lastLines: string[];
};

/** Whether a step does something for the image: `[build 3/7] RUN npm ci`, `[2/4] COPY . .`, and neither `[1/4] FROM node:24` nor `[internal] load metadata`. */
export function isInstruction(step: string): boolean {
  return /^\[[^\]]*\d+\/\d+\] (?!FROM )/.test(step);
}

/** Whether a step fetches a base image. */
export function isBase(step: string): boolean {
  return /^\[[^\]]*\d+\/\d+\] FROM /.test(step);
}

function decoded(base64: string): string {
  return Buffer.from(base64, "base64").toString("utf8").trim();
}

function jsonOf(text: string): unknown {
  if (!text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
