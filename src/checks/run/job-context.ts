import { posix } from "node:path";
import type { Clock } from "../../clock.ts";
import type { Engine } from "../../hosts/engine.ts";
import type { Masker } from "../../secrets/mask.ts";
import { selectFiles } from "../files.ts";
import { type CacheFacts, hashSecret, type KeyFile } from "../key.ts";
import type { ResultStore } from "../result-store.ts";
import type { CheckJob, LogLine } from "../types.ts";
import type { Artifacts } from "./artifacts.ts";
import type { Caches } from "./caches.ts";
import type { Handed, Handover } from "./handover.ts";
import type { ImageSource } from "./images.ts";
import type { KeptCaches } from "./kept-caches.ts";
import type { Ownership } from "./labels.ts";
import type { CheckedFiles } from "./source.ts";
import type { CheckEvent } from "./types.ts";

/** What all jobs of a run share. */
export type JobContext = {
  readonly owner: Ownership;
  /** Null where no check needs one. */
  readonly engine: {
    readonly engine: Engine;
    readonly name: string;
    readonly images: ImageSource;
    readonly caches: Caches;
  } | null;
  readonly clock: Clock;
  readonly source: CheckedFiles;
  /** Values of secrets by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** This machine's own variables, of which processes get a few. */
  readonly machine: Readonly<Record<string, string | undefined>>;
  /** Null: nothing is answered from it, and nothing kept. */
  readonly store: ResultStore | null;
  /** What jobs that are not of this run made. */
  readonly handed: ReadonlyMap<string, Handed>;
  readonly handover: Handover | null;
  /** Null: caches are on this machine's engine alone. */
  readonly kept: KeptCaches | null;
  /** Folder of the run, which ends with it. */
  readonly scratch: string;
  /** Folder in which the artifacts of this commit are kept. */
  readonly artifacts: string;
  readonly mask: Masker;
  readonly tell: (event: CheckEvent) => void;
  readonly signal: AbortSignal;
};

/** The folder a job runs in, from the repository's root. */
export function directoryOf(job: CheckJob, { source }: JobContext): string {
  return posix.join(source.below, job.check.directory);
}

/** The files of the commit that a job gets. */
export function filesOf(job: CheckJob, { source }: JobContext): KeyFile[] {
  const chosen = new Set(
    selectFiles(
      job.check.files,
      source.files.map((file) => file.path),
    ),
  );
  return source.files.filter((file) => chosen.has(file.path));
}

/** Values by name. */
export function secretsOf(job: CheckJob, { secrets }: JobContext): Record<string, string> {
  return Object.fromEntries(job.check.secrets.map((name) => [name, secrets[name] ?? ""]));
}

/** What the key of a job's result is made of, besides its definition. Images are pulled where they are missing. */
export async function factsOf(
  job: CheckJob,
  handed: ReadonlyMap<string, Artifacts | null>,
  context: JobContext,
): Promise<CacheFacts> {
  const { check } = job;
  const images = context.engine?.images;
  const digest = async (reference: string): Promise<string> => (await images?.idOf(reference)) ?? "";
  const secrets = Object.entries(secretsOf(job, context)).map(([name, value]) => [name, hashSecret(value)]);
  return {
    files: filesOf(job, context),
    place:
      check.place.kind === "container"
        ? { kind: "container", imageDigest: await digest(check.place.image) }
        : { kind: "process", machine: `${process.platform} ${process.arch}` },
    secrets: Object.fromEntries(secrets),
    serviceDigests: Object.fromEntries(
      await Promise.all(check.services.map(async ({ name, image }) => [name, await digest(image)] as const)),
    ),
    needs: Object.fromEntries(job.needs.map((need) => [need, handed.get(need)?.hash ?? "nothing"])),
  };
}

/** Tells a line of a check; `replayed`: one of an earlier run. */
export function tellLine(context: JobContext, job: CheckJob, line: LogLine, replayed: boolean): void {
  const { stream, text } = line;
  context.tell({ kind: "check-line", at: context.clock.now(), job: job.id, stream, text, replayed });
}
