import type { JobFacts } from "../read/project.ts";
import type { ReadFile, Value } from "../read/types.ts";
import { readValues, valueAt } from "../read/values.ts";

/** The files as they are written, for keys that the reader of workflows does not hand out. */
export type Sources = {
  /** All of a job; null where it is not there. */
  job(facts: Pick<JobFacts, "file" | "job">): Value | null;
};

export function sourcesOf(files: readonly ReadFile[]): Sources {
  const roots = new Map(files.map(({ file, source }) => [file, readValues(source.replace(/^\uFEFF/, "")).value]));
  return { job: ({ file, job }) => valueAt(valueAt(roots.get(file), "jobs"), job.id) };
}
