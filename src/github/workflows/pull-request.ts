import { checkJobs, requiredJobs } from "./check-jobs.ts";
import { ifOf } from "./expressions.ts";
import { actionStep, checkout, emulation, ownName, packagesPermission, permissions, runsOn, timeout } from "./job.ts";
import { neededToBuild } from "./needed.ts";
import type { WorkflowInput } from "./types.ts";
import { entry, type Entry, mapping, type Mapping } from "./yaml.ts";

const buildMs = 30 * 60_000;

/** The head of the pull request, which is what is reviewed and what may be tried out; GitHub's own commit for such a run is a merge that nobody will ever deploy. */
const head = "github.event.pull_request.head.sha";
const fromHere = "github.event.pull_request.head.repo.full_name == github.repository";

/** The workflow that says of a pull request whether it may be merged. Null where there is neither a check nor an image. */
export function pullRequestWorkflow(input: WorkflowInput): Mapping | null {
  const { config } = input;
  const builds = Object.keys(config.images).length > 0;
  if (!builds && Object.keys(config.checks).length === 0) return null;
  const required = [...requiredJobs(input), ...(builds ? ["images"] : [])];
  return mapping(
    entry("name", "Pull request"),
    entry("on", mapping(entry("pull_request", null)), { apart: true }),
    entry("permissions", mapping(), { apart: true, above: ["Every job says what it may do."] }),
    entry(
      "concurrency",
      mapping(
        entry("group", ownName(input, "pull-request-${{ github.event.pull_request.number }}")),
        entry("cancel-in-progress", true),
      ),
      { apart: true, above: ["A newer push ends the checks of the older one. Nothing is deployed here."] },
    ),
    entry(
      "jobs",
      mapping(
        ...withoutGap([
          ...checkJobs(input, { ref: head, when: null, secret: onlyFromHere, cacheWhen: null }),
          ...(builds ? [entry("images", buildJob(input), { apart: true })] : []),
          ...(required.length === 0 ? [] : [entry("required", requiredJob(input, required), requiredRemarks)]),
        ]),
      ),
      { apart: true },
    ),
  );
}

const requiredRemarks = {
  apart: true,
  above: ["The one status that a branch protection has to ask for: it stays when checks come and go."],
};

function buildJob(input: WorkflowInput): Mapping {
  const { config } = input;
  const perEnvironment = Object.values(config.images).some((image) => image.perEnvironment);
  const environment = perEnvironment ? Object.values(config.environments)[0] : undefined;
  const needed = neededToBuild(config, environment);
  return mapping(
    entry("name", "images build"),
    runsOn(config),
    timeout(buildMs),
    permissions({
      contents: "read",
      packages: config.registry?.cache === undefined ? undefined : packagesPermission(config, "read"),
      "id-token": needed.cloud ? "write" : undefined,
    }),
    entry("steps", [
      checkout(head, false),
      ...emulation(config),
      actionStep(input, {
        name: "shiplock build --verify",
        inputs: { command: "build", verify: true, environment: environment?.name },
        needed,
        secret: onlyFromHere,
      }),
    ]),
  );
}

/** Fails unless every required job succeeded: one that was skipped or cancelled has not passed. */
function requiredJob({ config, configPath }: WorkflowInput, jobs: readonly string[]): Mapping {
  return mapping(
    entry("name", configPath.includes("/") ? `required checks of ${config.project}` : "required checks"),
    entry("needs", jobs),
    entry("if", "always()"),
    runsOn(config),
    entry("timeout-minutes", 5),
    entry("steps", [
      mapping(
        entry("name", "Fail unless all of them passed"),
        entry("if", ifOf({ any: jobs.map((job) => `needs.${job}.result != 'success'`) })),
        entry("run", "exit 1"),
      ),
    ]),
  );
}

/** GitHub gives a fork's pull request no secrets; this holds also where a repository's settings say otherwise. */
function onlyFromHere(name: string): string {
  return `${fromHere} && secrets.${name} || ''`;
}

/** Entries of which the first has no empty line above it. */
export function withoutGap(entries: readonly Entry[]): Entry[] {
  return entries.map((one, index) => (index === 0 ? { ...one, apart: false } : one));
}
