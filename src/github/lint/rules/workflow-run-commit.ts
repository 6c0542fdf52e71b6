import { canHold, inWorkflowRun } from "../../read/conditions.ts";
import { expressionsIn } from "../../read/expressions.ts";
import { dockerCall } from "../../read/shell/docker.ts";
import { type JobFacts, type Project, startsBy, type StepFacts } from "../../read/project.ts";
import { actionOf, inputOf } from "../../read/scripts.ts";
import type { Text } from "../../read/types.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "workflow-run-commit",
  severity: "error",
  title: "Another commit than the tested one is deployed",
  why: "In a run of `workflow_run`, `github.sha` and a plain checkout are the newest commit of the default branch, not the commit whose tests have passed.",
  mend: "take `github.event.workflow_run.head_sha` for the checkout and for names of images",
  find,
};

function find(project: Project): readonly Hit[] {
  return project.jobs
    .filter((facts) => startsBy(facts.workflow, "workflow_run") && (facts.deploys || buildsImages(facts)))
    .filter(({ job }) => canHold(job.if?.value ?? "", inWorkflowRun))
    .flatMap((facts) => facts.steps.flatMap((step) => hitsOf(step)));
}

function buildsImages({ steps }: JobFacts): boolean {
  return steps.some(
    ({ step, ran }) =>
      actionOf(step) === "docker/build-push-action" ||
      ran.some(({ program }) => /^(?:build|buildx build|compose build|push)$/.test(dockerCall(program)?.verb ?? "")),
  );
}

function hitsOf({ step, file, ran }: StepFacts): readonly Hit[] {
  if (!canHold(step.if?.value ?? "", inWorkflowRun)) return [];
  if (actionOf(step) === "actions/checkout") {
    const ref = inputOf(step, "ref");
    const repository = inputOf(step, "repository");
    if (repository !== null) return [];
    if (ref === null)
      return [
        {
          file,
          place: step.uses?.place ?? step.place,
          sentence:
            "this checks out the newest commit of the default branch, whichever commit the run before has tested",
        },
      ];
    if (/head_branch/.test(ref.value) && !/head_sha/.test(ref.value))
      return [
        {
          file,
          place: ref.place,
          sentence:
            "this checks out what the branch holds by now, which is not the commit that the run before has tested",
        },
      ];
  }
  const texts: readonly (Text | null)[] = [
    step.run,
    ...[...step.env, ...step.with].map(({ value }) => (value.kind === "text" ? value.text : null)),
  ];
  const byShell = ran
    .filter(({ command }) => command.words.some(({ text }) => /\$\{?GITHUB_SHA\b/.test(text)))
    .map(({ place }): Hit => ({ file, place, sentence: newest("$GITHUB_SHA") }));
  const byExpression = texts.flatMap((text) =>
    text === null
      ? []
      : expressionsIn(text.value)
          .filter(({ body }) => /\bgithub\.sha\b/.test(body) && !body.includes("head_sha"))
          .map(
            ({ start }): Hit => ({
              file,
              place: text.placeAt(start),
              sentence: newest("github.sha"),
            }),
          ),
  );
  return [...byExpression, ...byShell];
}

function newest(name: string): string {
  return `\`${name}\` is the newest commit of the default branch here, and not the one that the run before has tested`;
}
