import { deployWorkflow } from "./deploy.ts";
import { pullRequestWorkflow } from "./pull-request.ts";
import type { WorkflowFile, WorkflowInput } from "./types.ts";
import { type Mapping, write } from "./yaml.ts";

/** Every workflow that may be made, in the order in which a change meets them. */
const workflows: readonly { readonly name: string; readonly make: (input: WorkflowInput) => Mapping | null }[] = [
  { name: "pull-request", make: pullRequestWorkflow },
  { name: "deploy", make: deployWorkflow },
];

/**
 * The workflows that a configuration means: those that have something to do.
 * @throws ShiplockError `workflows/one-time-two-branches`
 */
export function workflowsOf(input: WorkflowInput): WorkflowFile[] {
  return workflows.flatMap(({ name, make }) => {
    const document = make(input);
    return document === null ? [] : [{ name: fileName(input, name), text: `${header(input)}${write(document)}` }];
  });
}

/** Two projects of one repository have files of their own. */
function fileName({ config, configPath }: WorkflowInput, workflow: string): string {
  return configPath.includes("/") ? `shiplock-${config.project}-${workflow}.yml` : `shiplock-${workflow}.yml`;
}

/** The first line of every file that Shiplock made from this configuration: by it `--check` knows its own. */
export function firstLine({ configPath }: Pick<WorkflowInput, "configPath">): string {
  return `# Made by \`shiplock workflows\` from ${configPath}: change it there, and run \`shiplock workflows\` again.`;
}

function header(input: WorkflowInput): string {
  return `${firstLine(input)}\n# \`shiplock workflows --check\` fails where the two differ.\n\n`;
}
