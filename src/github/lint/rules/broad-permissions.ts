import type { Project } from "../../read/project.ts";
import type { Value } from "../../read/types.ts";
import { textOf } from "../../read/values.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "broad-permissions",
  severity: "warning",
  title: "The job's token may do more than it needs",
  why: "Every step, and every package that it installs, can use the token: what it may not do, nobody can make it do.",
  mend: "write `permissions: {}` at the top and the few rights that each job needs at the job",
  find,
};

function find(project: Project): readonly Hit[] {
  const everything = project.workflows.flatMap((workflow) =>
    [workflow.permissions, ...workflow.jobs.map((job) => job.permissions)].filter(isEverything).map(
      (value): Hit => ({
        file: workflow.file,
        place: value.place,
        sentence: "`write-all` lets every step change the code, the releases and the settings of the repository",
      }),
    ),
  );
  const unsaid = project.workflows
    .filter(
      ({ permissions, jobs, triggers }) =>
        permissions === null &&
        jobs.some((job) => job.permissions === null) &&
        !triggers.every(({ event }) => event === "workflow_call"),
    )
    .filter((workflow) => project.jobs.some((facts) => facts.workflow === workflow && facts.deploys))
    .map(
      ({ file, place }): Hit => ({
        file,
        place,
        sentence:
          "no `permissions` are named, so the token has what the repository's settings give to all: often the right to write everything",
      }),
    );
  return [...everything, ...unsaid];
}

function isEverything(value: Value | null): value is Value {
  return textOf(value) === "write-all";
}
