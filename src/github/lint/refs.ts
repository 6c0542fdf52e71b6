import type { JobFacts } from "../read/project.ts";
import type { Trigger, Workflow } from "../read/types.ts";
import { textsOf, valueAt } from "../read/values.ts";

const pattern = /[*?+![\]]/;

/** Whether a push starts the workflow only for branches that are named in full. */
function namesBranches({ options }: Trigger): readonly string[] | null {
  const branches = textsOf(valueAt(options, "branches"));
  const tags = valueAt(options, "tags") !== null || valueAt(options, "tags-ignore") !== null;
  return branches.length === 0 || tags || branches.some((branch) => pattern.test(branch)) ? null : branches;
}

/** Whether somebody can choose the name of the branch or tag that starts the workflow. */
export function refIsFree({ triggers }: Workflow): boolean {
  return triggers.some((trigger) => {
    if (trigger.event === "push") return namesBranches(trigger) === null;
    return ["workflow_dispatch", "release", "create", "workflow_call"].includes(trigger.event);
  });
}

/** Whether runs for more than one branch or tag come to a job. */
export function refVaries({ workflow, job }: Pick<JobFacts, "workflow" | "job">): boolean {
  // A condition on the branch leaves one of them, as far as anybody can read it.
  if (/github\.ref(?:_name)?\s*==/.test(job.if?.value ?? "")) return false;
  return workflow.triggers.some((trigger) => {
    if (trigger.event === "push") return (namesBranches(trigger)?.length ?? 2) > 1;
    return trigger.event === "release" || trigger.event === "create";
  });
}
