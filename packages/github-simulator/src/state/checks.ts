import { checkRunEvent, checkSuiteShape, suiteState } from "../shapes/checks.ts";
import type { Account, App } from "../types.ts";
import type { Annotation, CheckRun, CheckStatus, CheckSuite, Conclusion } from "./types.ts";
import type { World } from "./world.ts";

/** What is said of a check run; what is not said stays as it is. */
export type CheckChange = {
  readonly name?: string;
  readonly externalId?: string;
  readonly detailsUrl?: string;
  readonly status?: CheckStatus;
  readonly conclusion?: Conclusion;
  readonly startedAt?: Date;
  readonly completedAt?: Date;
  readonly output?: {
    readonly title?: string;
    readonly summary: string;
    readonly text?: string;
    readonly annotations?: readonly Annotation[];
  };
};

/** Opens a check run of a commit and tells the hooks. */
export async function addCheckRun(
  world: World,
  about: {
    readonly sha: string;
    readonly name: string;
    readonly app: App;
    readonly by: Account;
    readonly workflow?: string;
  },
  change: CheckChange,
): Promise<CheckRun> {
  const now = world.clock.now();
  const run: CheckRun = {
    ...{ id: world.nextId(), sha: about.sha, suite: await suiteOf(world, about), app: about.app },
    ...{ name: about.name, externalId: "", detailsUrl: null, status: "queued", conclusion: null, startedAt: now },
    ...{ completedAt: null, title: null, summary: null, text: null, annotations: [] },
  };
  world.checkRuns.push(run);
  changed(world, run, change);
  await tell(world, run, "created", about.by);
  if (run.status === "completed") await tell(world, run, "completed", about.by);
  return run;
}

/** Says more about a check run; new annotations are added to those that are there, as GitHub does. */
export async function changeCheckRun(world: World, run: CheckRun, change: CheckChange, by: Account): Promise<void> {
  const before = run.status;
  changed(world, run, change);
  if (before !== "completed" && run.status === "completed") await tell(world, run, "completed", by);
}

function changed(world: World, run: CheckRun, change: CheckChange): void {
  const { output } = change;
  if (output !== undefined) {
    Object.assign(run, { title: output.title ?? run.title, summary: output.summary, text: output.text ?? run.text });
    run.annotations.push(...(output.annotations ?? []));
  }
  run.name = change.name ?? run.name;
  run.externalId = change.externalId ?? run.externalId;
  run.detailsUrl = change.detailsUrl ?? run.detailsUrl;
  run.startedAt = change.startedAt ?? run.startedAt;
  // Who gives a conclusion need not say that it is completed.
  run.status = change.conclusion === undefined ? (change.status ?? run.status) : "completed";
  run.conclusion = run.status === "completed" ? (change.conclusion ?? run.conclusion) : null;
  run.completedAt = run.status === "completed" ? (change.completedAt ?? run.completedAt ?? world.clock.now()) : null;
}

/** The suite in which an app's runs of a commit are. */
async function suiteOf(world: World, about: { sha: string; app: App; workflow?: string }): Promise<CheckSuite> {
  const { sha, app, workflow = null } = about;
  const known = world.checkSuites.find(
    (suite) => suite.sha === sha && suite.app.id === app.id && suite.workflow === workflow,
  );
  if (known !== undefined) return known;
  const branch = (await world.git.refs("refs/heads/")).find((ref) => ref.sha === sha);
  const suite: CheckSuite = {
    ...{ id: world.nextId(), sha, app, workflow, createdAt: world.clock.now() },
    branch: branch?.name.slice("refs/heads/".length) ?? null,
  };
  world.checkSuites.push(suite);
  return suite;
}

async function tell(world: World, run: CheckRun, action: "created" | "completed", by: Account): Promise<void> {
  if (world.hooks.length === 0) return;
  world.tell("check_run", { action, check_run: checkRunEvent(world, run) }, by);
  const head = await world.git.read(run.sha);
  if (action === "created" || head === null || suiteState(world, run.suite).status !== "completed") return;
  const { repository: _repository, ...suite } = checkSuiteShape(world, run.suite, head);
  world.tell("check_suite", { action: "completed", check_suite: suite }, by);
}
