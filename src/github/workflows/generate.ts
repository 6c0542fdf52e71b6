import { firstLine } from "./compare.ts";
import { deployWorkflow } from "./deploy.ts";
import { ownName } from "./job.ts";
import { manualWorkflow } from "./manual.ts";
import { previewWorkflow } from "./preview.ts";
import { pullRequestWorkflow } from "./pull-request.ts";
import { releaseWorkflow } from "./release.ts";
import type { WorkflowFile, WorkflowInput } from "./types.ts";
import { type Mapping, write } from "./yaml.ts";

/** Every workflow that may be made, in the order in which a change meets them. */
const workflows: readonly { readonly name: string; readonly make: (input: WorkflowInput) => Mapping | null }[] = [
  { name: "pull-request", make: pullRequestWorkflow },
  { name: "deploy", make: deployWorkflow },
  { name: "manual", make: manualWorkflow },
  { name: "release", make: releaseWorkflow },
  { name: "preview", make: previewWorkflow },
];

/**
 * The workflows that a configuration means: those that have something to do.
 * @throws ShiplockError `workflows/one-time-two-branches`
 */
export function workflowsOf(input: WorkflowInput): WorkflowFile[] {
  return workflows.flatMap(({ name, make }) => {
    const document = make(input);
    return document === null
      ? []
      : [{ name: `${ownName(input, name)}.yml`, text: `${header(input)}${write(document)}` }];
  });
}

function header(input: WorkflowInput): string {
  return `${firstLine(input.configPath)}\n# \`shiplock workflows --check\` fails where the two differ.\n\n`;
}
