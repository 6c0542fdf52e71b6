import { annotationShape, checkRunShape, checkSuiteShape } from "../shapes/checks.ts";
import { addCheckRun, type CheckChange, changeCheckRun } from "../state/checks.ts";
import { newestCheckRuns } from "../state/contexts.ts";
import type { Annotation, CheckRun, CheckStatus, Conclusion } from "../state/types.ts";
import type { World } from "../state/world.ts";
import { commitOf } from "./statuses.ts";
import { type Answer, type Asked, listed, newestFirst, notFound, Refusal, type Route } from "./types.ts";

const one = "/repos/{owner}/{repo}/check-runs/{check_run_id}";

export const checkRoutes: readonly Route[] = [
  { name: "POST /repos/{owner}/{repo}/check-runs", needs: ["checks:write"], answer: create },
  {
    name: `GET ${one}`,
    needs: ["checks:read"],
    answer: (asked, world) => ({ status: 200, body: checkRunShape(world, found(asked, world)) }),
  },
  { name: `PATCH ${one}`, needs: ["checks:write"], answer: update },
  {
    name: `GET ${one}/annotations`,
    needs: ["checks:read"],
    answer: (asked, world) => {
      const run = found(asked, world);
      return listed(run.annotations, (annotation) => annotationShape(world, run, annotation));
    },
  },
  {
    name: "GET /repos/{owner}/{repo}/commits/{ref}/check-runs",
    needs: ["checks:read"],
    answer: async (asked, world) => {
      const sha = await commitOf(asked, world);
      return runsOf(
        asked,
        world,
        world.checkRuns.filter((run) => run.sha === sha),
      );
    },
  },
  {
    name: "GET /repos/{owner}/{repo}/check-suites/{check_suite_id}/check-runs",
    needs: ["checks:read"],
    answer: (asked, world) => {
      const suite = world.checkSuites.find(({ id }) => id === Number(asked.path["check_suite_id"]));
      if (suite === undefined) throw notFound();
      return runsOf(
        asked,
        world,
        world.checkRuns.filter((run) => run.suite === suite),
      );
    },
  },
  { name: "GET /repos/{owner}/{repo}/commits/{ref}/check-suites", needs: ["checks:read"], answer: suites },
];

type Wanted = {
  readonly name?: string;
  readonly head_sha?: string;
  readonly details_url?: string;
  readonly external_id?: string;
  readonly status?: CheckStatus;
  readonly started_at?: string;
  readonly conclusion?: Conclusion;
  readonly completed_at?: string;
  readonly output?: { title?: string; summary: string; text?: string; annotations?: readonly Annotation[] };
};

async function create({ body, caller }: Asked, world: World): Promise<Answer> {
  const wanted = body as Wanted;
  if (caller.app === null) throw new Refusal(403, "You must authenticate via a GitHub App.");
  const sha = /^[0-9a-f]{40}$/.test(wanted.head_sha ?? "") ? await world.git.resolve(wanted.head_sha ?? "") : null;
  if (sha === null) throw new Refusal(422, `No commit found for SHA: ${wanted.head_sha ?? ""}`);
  const about = { sha, name: wanted.name ?? "", app: caller.app, by: caller.account };
  return { status: 201, body: checkRunShape(world, await addCheckRun(world, about, changeOf(wanted))) };
}

async function update(asked: Asked, world: World): Promise<Answer> {
  const run = found(asked, world);
  // An app changes only its own runs.
  if (asked.caller.app?.id !== run.app.id)
    throw new Refusal(
      403,
      "Invalid app_id `" +
        String(asked.caller.app?.id) +
        "` - check run can only be modified by the GitHub App that created it.",
    );
  await changeCheckRun(world, run, changeOf(asked.body), asked.caller.account);
  return { status: 200, body: checkRunShape(world, run) };
}

function changeOf(wanted: Wanted): CheckChange {
  const { name, status, conclusion, output } = wanted;
  if (status === "completed" && conclusion === undefined)
    throw new Refusal(422, 'Invalid request.\n\nNo subschema in "anyOf" matched.\n"conclusion" wasn\'t supplied.');
  return {
    ...(name !== undefined && { name }),
    ...(wanted.external_id !== undefined && { externalId: wanted.external_id }),
    ...(wanted.details_url !== undefined && { detailsUrl: wanted.details_url }),
    ...(status !== undefined && { status }),
    ...(conclusion !== undefined && { conclusion }),
    ...(wanted.started_at !== undefined && { startedAt: new Date(wanted.started_at) }),
    ...(wanted.completed_at !== undefined && { completedAt: new Date(wanted.completed_at) }),
    ...(output !== undefined && { output }),
  };
}

/** Of each name the latest run, unless all are asked for. */
function runsOf({ query }: Asked, world: World, runs: readonly CheckRun[]): Answer {
  const asks = (name: string, value: unknown): boolean => query[name] === undefined || query[name] === value;
  const latest = query["filter"] === "all" ? [...runs].reverse() : newestCheckRuns(runs);
  const matching = latest.filter(
    (run) => asks("check_name", run.name) && asks("status", run.status) && asks("app_id", run.app.id),
  );
  return listed(matching, (run) => checkRunShape(world, run), "check_runs");
}

async function suites(asked: Asked, world: World): Promise<Answer> {
  const sha = await commitOf(asked, world);
  const head = await world.git.read(sha);
  if (head === null) throw notFound();
  const { app_id: appId, check_name: name } = asked.query;
  const matching = world.checkSuites.filter(
    (suite) =>
      suite.sha === sha &&
      (appId === undefined || suite.app.id === appId) &&
      (name === undefined || world.checkRuns.some((run) => run.suite === suite && run.name === name)),
  );
  return newestFirst(matching, (suite) => checkSuiteShape(world, suite, head), "check_suites");
}

function found({ path }: Asked, world: World): CheckRun {
  const run = world.checkRuns.find(({ id }) => id === Number(path["check_run_id"]));
  if (run === undefined) throw notFound();
  return run;
}
