import * as z from "zod";
import type { GitHubRepository } from "../api/types.ts";

export type EventBody<T> = z.ZodType<T>;

const commit = () => z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/);
const repository = () => z.object({ full_name: z.string() });

/** Of each event, what is looked at. Everything else in a body may be as it likes. */
export const eventBodies = {
  push: z.object({
    ref: z.string(),
    after: commit(),
    deleted: z.boolean().default(false),
    head_commit: z.object({ id: commit() }).nullish(),
  }),
  workflowRun: z.object({
    action: z.string(),
    workflow_run: z.object({
      name: z
        .string()
        .nullable()
        .transform((name) => name ?? ""),
      conclusion: z.string().nullable(),
      event: z.string(),
      head_branch: z.string().nullable(),
      head_sha: commit(),
      head_repository: repository().nullish(),
    }),
  }),
  pullRequest: z.object({
    action: z.string(),
    number: z.int().positive(),
    pull_request: z.object({
      head: z.object({ ref: z.string(), sha: commit(), repo: repository().nullable() }),
      base: z.object({ repo: repository() }),
    }),
  }),
  release: z.object({
    action: z.string(),
    release: z.object({ tag_name: z.string().min(1), prerelease: z.boolean() }),
  }),
  gone: z.object({ ref: z.string(), ref_type: z.string() }),
  schedule: z.object({ schedule: z.string() }),
};

const origin = z.object({
  repository: z
    .object({ name: z.string(), owner: z.object({ login: z.string() }) })
    .nullish()
    .catch(null),
  installation: z.object({ id: z.int() }).nullish().catch(null),
  sender: z.object({ login: z.string() }).nullish().catch(null),
});

/** Which repository an event is of, who got it, and who did it. */
export function whereFrom(body: unknown): {
  repository: GitHubRepository | null;
  installation: number | null;
  sender: string | null;
} {
  const read = origin.safeParse(body);
  if (!read.success) return { repository: null, installation: null, sender: null };
  const { repository: found, installation, sender } = read.data;
  return {
    repository: found ? { owner: found.owner.login, name: found.name } : null,
    installation: installation?.id ?? null,
    sender: sender?.login ?? null,
  };
}
