import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { type CheckRunResult, performCheckRun } from "../../../src/checks/run/check-run.ts";
import type { Handed, Handover } from "../../../src/checks/run/handover.ts";
import type { KeptCaches } from "../../../src/checks/run/kept-caches.ts";
import { selectJobs } from "../../../src/checks/graph.ts";
import { readCheckedFiles } from "../../../src/checks/run/source.ts";
import type { CheckEvent, JobResult } from "../../../src/checks/run/types.ts";
import { systemClock } from "../../../src/clock.ts";
import { resolveCheck } from "../../../src/config/resolve-checks.ts";
import { fakeImage } from "../../../src/hosts/fake.ts";
import { addImage, createFakeEngine } from "../../../src/hosts/fake-engine.ts";
import { createFakeEngineState, type FakeEngineState, type FakeScript } from "../../../src/hosts/fake-engine-state.ts";
import type { Engine } from "../../../src/hosts/engine.ts";
import { createMasker } from "../../../src/secrets/mask.ts";

type CheckInput = Parameters<typeof resolveCheck>[0];

export type StageOptions = {
  names?: string[];
  handed?: ReadonlyMap<string, Handed>;
  handover?: Handover;
  kept?: KeptCaches;
  jobs?: number;
  group?: string;
  cache?: boolean;
  secrets?: Record<string, string>;
  machine?: Record<string, string | undefined>;
  signal?: AbortSignal;
  onEvent?: (event: CheckEvent) => void;
  /** Another engine than the fake one. */
  engine?: Engine;
};

export type StageRun = CheckRunResult & {
  /** Results by job. */
  job(id: string): JobResult;
  /** What a check wrote, its lines joined. */
  output(id: string): string;
  notes: string[];
  events: CheckEvent[];
};

/** A repository, this machine's state folder, and an engine in memory. */
export type Stage = {
  readonly repository: string;
  readonly state: string;
  readonly engine: FakeEngineState;
  write(files: Record<string, string>): void;
  /** What containers do: the first script that answers decides. */
  script(script: FakeScript): void;
  run(checks: Record<string, CheckInput>, options?: StageOptions): Promise<StageRun>;
};

export function createStage(test: TestContext): Stage {
  const root = mkdtempSync(join(tmpdir(), "shiplock-stage-"));
  test.after(() => rmSync(root, { recursive: true, force: true }));
  const [repository, state] = [join(root, "repository"), join(root, "state")];
  const files = new Set<string>();
  const engine = createFakeEngineState("engine", { images: new Map() }, () => Date.now());
  for (const image of ["node:24", "postgres:17", "redis:8"]) addImage(engine, fakeImage(image));
  const port = createFakeEngine(engine);

  function write(texts: Record<string, string>): void {
    for (const [path, text] of Object.entries(texts)) {
      mkdirSync(dirname(join(repository, path)), { recursive: true });
      writeFileSync(join(repository, path), text);
      files.add(path);
    }
  }

  async function run(checks: Record<string, CheckInput>, options: StageOptions = {}): Promise<StageRun> {
    const events: CheckEvent[] = [];
    const secrets = options.secrets ?? {};
    const result = await performCheckRun({
      project: "shop",
      commit: "c0ffee",
      jobs: selectJobs(
        Object.fromEntries(Object.entries(checks).map(([name, check]) => [name, resolveCheck(check, name)])),
        options.names ?? [],
        new Set(options.handed?.keys()),
      ),
      handed: options.handed ?? new Map(),
      handover: options.handover ?? null,
      kept: options.kept ?? null,
      source: await readCheckedFiles(repository, "", [...files]),
      state,
      checkout: null,
      group: options.group ?? null,
      limit: options.jobs ?? 4,
      cache: options.cache ?? true,
      engine: () => ({ engine: options.engine ?? port, name: "unix:///engine.sock" }),
      authFor: async () => undefined,
      secrets,
      machine: options.machine ?? process.env,
      clock: systemClock,
      mask: createMasker(Object.values(secrets)),
      tell: (event) => {
        events.push(event);
        options.onEvent?.(event);
      },
      signal: options.signal ?? new AbortController().signal,
    });
    return {
      ...result,
      events,
      job(id) {
        const found = result.results.find((one) => one.job.id === id);
        if (found === undefined) throw new Error(`no job ${id}`);
        return found;
      },
      output: (id) =>
        events.flatMap((event) => (event.kind === "check-line" && event.job === id ? [event.text] : [])).join("\n"),
      notes: events.flatMap((event) => (event.kind === "run-note" || event.kind === "check-note" ? [event.text] : [])),
    };
  }

  write({ "package-lock.json": "{}", "web/index.html": "<p>" });
  return { repository, state, engine, write, script: (script) => void engine.scripts.push(script), run };
}
