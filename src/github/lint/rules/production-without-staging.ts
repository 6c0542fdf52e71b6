import { isProduction, isStaging } from "../../read/environments.ts";
import { type JobFacts, neededBy, type Project, startsBy } from "../../read/project.ts";
import { textOf, textsOf, valueAt } from "../../read/values.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "production-without-staging",
  severity: "warning",
  title: "Production does not wait for staging",
  why: "There is a staging environment, and yet a commit reaches production although its deployment to staging failed, or before it began.",
  mend: "let the job need the one that deploys to staging, or promote by hand what staging has shown to be healthy",
  find,
};

function find(project: Project): readonly Hit[] {
  const staging = project.jobs.filter(
    ({ deploys, environments }) => deploys && environments.length > 0 && environments.every(isStaging),
  );
  if (staging.length === 0) return [];
  return project.jobs
    .filter(({ deploys, environments }) => deploys && environments.length > 0 && environments.every(isProduction))
    .filter(
      (facts) =>
        startsBy(facts.workflow, "push", "release") && !byShiplock(facts) && !waitsForStaging(project, facts, staging),
    )
    .map(
      ({ file, job }): Hit => ({
        file,
        place: job.place,
        sentence: `${job.id} begins by itself and does not ask whether staging has this commit and is healthy`,
      }),
    );
}

function waitsForStaging(project: Project, facts: JobFacts, staging: readonly JobFacts[]): boolean {
  const needed = neededBy(project, facts);
  if (needed.some((each) => staging.includes(each) || callsStaging(each))) return true;
  // Whatever else it asks about staging, in a condition or a script, cannot be judged from here.
  return (
    [facts, ...needed].some(({ job, steps }) =>
      [
        job.if?.value,
        ...steps.flatMap(({ step }) => [
          step.if?.value,
          step.run?.value,
          ...step.with.map(({ value }) => textOf(value)),
          ...step.env.map(({ value }) => textOf(value)),
        ]),
      ].some((text) => /staging|promote/i.test(text ?? "")),
    ) || startsAfterStaging(facts, staging)
  );
}

/** There the configuration says what has to come before, and the command asks for it. */
function byShiplock({ changes }: JobFacts): boolean {
  return changes.length > 0 && changes.every(({ what }) => what.startsWith("shiplock "));
}

function callsStaging({ job }: JobFacts): boolean {
  return /stag/i.test(`${job.uses?.value ?? ""} ${job.id}`);
}

function startsAfterStaging({ workflow }: JobFacts, staging: readonly JobFacts[]): boolean {
  const run = workflow.triggers.find(({ event }) => event === "workflow_run");
  const names = textsOf(valueAt(run?.options, "workflows"));
  return staging.some((each) => names.includes(each.workflow.name ?? ""));
}
