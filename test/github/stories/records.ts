import assert from "node:assert/strict";
import * as z from "zod";
import type { EnvironmentState } from "../../../src/environments/record/types.ts";
import type { World } from "./world.ts";

/** A deployment as anybody reads it on GitHub, with the newest word about it. */
export type SeenRecord = {
  readonly number: number;
  readonly sha: string;
  readonly ref: string;
  readonly task: string;
  readonly production: boolean;
  /** Our own id of the deployment. */
  readonly deployment: string;
  readonly release: string;
  readonly images: Readonly<Record<string, string>>;
  readonly state: string;
  readonly description: string;
  readonly logUrl: string;
};

const deployments = z.array(
  z.object({
    id: z.number(),
    sha: z.string(),
    ref: z.string(),
    task: z.string(),
    production_environment: z.boolean(),
    payload: z.object({
      deployment: z.string(),
      release: z.string(),
      commit: z.string(),
      images: z.record(z.string(), z.string()),
    }),
  }),
);
const statuses = z.array(z.object({ id: z.number(), state: z.string(), description: z.string(), log_url: z.string() }));

/** What GitHub knows of an environment, newest first. */
export async function recordsOf(world: World, environment: string): Promise<SeenRecord[]> {
  const list = deployments.parse(await ask(world, `deployments?environment=${environment}&per_page=100`));
  return await Promise.all(
    list.map(async ({ id, sha, ref, task, production_environment: production, payload }) => {
      const [newest] = statuses.parse(await ask(world, `deployments/${id}/statuses`)).sort((a, b) => b.id - a.id);
      assert.equal(payload.commit, sha);
      return {
        ...{ number: id, sha, ref, task, production },
        ...{ deployment: payload.deployment, release: payload.release, images: payload.images },
        ...{ state: newest?.state ?? "none", description: newest?.description ?? "", logUrl: newest?.log_url ?? "" },
      };
    }),
  );
}

/**
 * Asserts what must be true of GitHub's records after every story: each names an exact commit and has ended; what became live names its images by digest;
 * at most one counts as live, and it is the one that the environment record has.
 */
export async function assertRecordsAgree(
  world: World,
  environment: string,
  state: EnvironmentState | null,
): Promise<void> {
  const records = await recordsOf(world, environment);
  for (const record of records) {
    const told = JSON.stringify(record, null, 2);
    assert.equal(record.ref, record.sha, told);
    assert.match(record.sha, /^[0-9a-f]{40}$/, told);
    assert.ok(["success", "inactive", "failure", "error"].includes(record.state), `it has not ended: ${told}`);
    assert.equal(record.production, environment === "production", told);
    assert.match(record.logUrl, /^https:\/\/github\.com\/acme\/shop\/actions\/runs\/\d+/, told);
    if (record.state !== "success") continue;
    assert.ok(Object.keys(record.images).length > 0, told);
    for (const digest of Object.values(record.images)) assert.match(digest, /^sha256:[0-9a-f]{64}$/, told);
  }
  const live = records.filter((record) => record.state === "success");
  const expected = state?.live === null || state?.live === undefined ? [] : [state.live.release];
  assert.deepEqual(
    live.map(({ release }) => release),
    expected,
    `${environment}: GitHub's live records\n${JSON.stringify(records, null, 2)}`,
  );
  world.github.assertFaithful();
}

async function ask({ github }: World, path: string): Promise<unknown> {
  const { owner, name } = github.repository;
  const answer = await fetch(`${github.api}/repos/${owner}/${name}/${path}`, {
    headers: { authorization: `Bearer ${github.token({ deployments: "read", metadata: "read" })}` },
    signal: AbortSignal.timeout(10_000),
  });
  if (answer.status === 200) return await answer.json();
  throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`);
}
