import { canHold, inWorkflowRun } from "../../read/conditions.ts";
import { type JobFacts, neededBy, type Project, startsBy } from "../../read/project.ts";
import type { Entry, Step } from "../../read/types.ts";
import { textOf } from "../../read/values.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "workflow-run-conclusion",
  severity: "error",
  title: "It deploys whatever became of the run before",
  why: "`workflow_run` starts when the other workflow has ended, also when it failed or was cancelled: red tests are deployed.",
  mend: "write `if: github.event.workflow_run.conclusion == 'success'` at the job",
  find,
};

function find(project: Project): readonly Hit[] {
  return project.jobs.flatMap((facts): readonly Hit[] => {
    const { deploys, workflow, job, file } = facts;
    if (!deploys || !startsBy(workflow, "workflow_run")) return [];
    const looked = [facts, ...neededBy(project, facts)].some(asksForConclusion);
    if (looked || !canHold(job.if?.value ?? "", inWorkflowRun)) return [];
    const sentence = `${job.id} never asks for the conclusion of the run that started it, so it also deploys after one that failed`;
    return [{ file, place: job.place, sentence }];
  });
}

function asksForConclusion({ job, steps, workflow }: JobFacts): boolean {
  const asks = (text: string | null | undefined): boolean =>
    /workflow_run\.conclusion|workflow_run\['conclusion'\]/.test(text ?? "");
  const inEntries = (entries: readonly Entry[]): boolean => entries.some(({ value }) => asks(textOf(value)));
  const inStep = (step: Step): boolean =>
    asks(step.if?.value) || asks(step.run?.value) || inEntries(step.env) || inEntries(step.with);
  return (
    asks(job.if?.value) ||
    inEntries(job.env) ||
    inEntries(workflow.env) ||
    inEntries(job.with) ||
    steps.some(({ step }) => inStep(step))
  );
}
