import { isProduction } from "../../read/environments.ts";
import { type Project, startsBy } from "../../read/project.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "no-rollback",
  severity: "warning",
  title: "There is no way back",
  why: "When a release is broken, the only way is a new commit through all checks and builds, while the site is down.",
  mend: "add a workflow that somebody can start by hand to deploy an earlier, healthy release",
  find,
};

/** Means that keep no earlier release by themselves. */
const withoutMemory = new Set(["compose", "container", "unit"]);

function find(project: Project): readonly Hit[] {
  const deploying = project.jobs.filter(({ changes }) => changes.some(({ tool }) => withoutMemory.has(tool)));
  const somewhere = deploying.find(({ environments }) => environments.some(isProduction)) ?? deploying[0];
  if (somewhere === undefined || project.jobs.some(({ changes }) => changes.some(({ tool }) => tool === "script")))
    return [];
  const byHand = project.jobs.some(
    ({ deploys, workflow }) =>
      deploys && startsBy(workflow, "workflow_dispatch", "repository_dispatch", "workflow_call", "issue_comment"),
  );
  if (byHand || project.files.some(({ source }) => /roll(?:ing)?[-_ ]?back/i.test(source))) return [];
  return [
    {
      file: somewhere.file,
      place: somewhere.job.place,
      sentence: `nothing here can deploy an earlier release again: ${somewhere.job.id} only goes forward`,
    },
  ];
}
