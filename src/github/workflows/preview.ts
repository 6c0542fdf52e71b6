import { actionStep, checkout, ownName, permissions, runsOn, timeout } from "./job.ts";
import type { WorkflowInput } from "./types.ts";
import { entry, mapping, type Mapping } from "./yaml.ts";

const previewMs = 60 * 60_000;
const number = "${{ github.event.pull_request.number }}";

/**
 * The workflow that makes a preview of every pull request of this repository, and takes it away when it is closed. Null while no configuration can ask for it: the engine
 * has no previews yet.
 */
export function previewWorkflow(input: WorkflowInput): Mapping | null {
  const { config, previews } = input;
  if (previews === null) return null;
  const needed = { secrets: previews.secrets, variables: [], cloud: false };
  const { hosts } = previews;
  const rights = permissions({
    checks: "read",
    contents: "read",
    deployments: config.github.ledger ? "write" : undefined,
    "pull-requests": "write",
  });
  return mapping(
    entry("name", "Preview"),
    entry(
      "on",
      mapping(
        entry("pull_request", mapping(entry("types", ["opened", "synchronize", "reopened", "closed"]))),
        entry("schedule", [mapping(entry("cron", previews.sweep))]),
        entry("workflow_dispatch", null),
      ),
      { apart: true },
    ),
    entry("permissions", mapping(), { apart: true, above: ["Every job says what it may do."] }),
    entry(
      "jobs",
      mapping(
        entry(
          "preview",
          mapping(
            entry("name", `preview of #${number}`),
            entry("if", "github.event.pull_request.head.repo.full_name == github.repository", {
              above: ["A fork's code is not run on hosts of ours."],
            }),
            runsOn(config),
            timeout(previewMs),
            entry(
              "concurrency",
              mapping(
                entry("group", ownName(input, `preview-${number}`)),
                entry("queue", "max"),
                entry("cancel-in-progress", false),
              ),
            ),
            rights,
            entry("steps", [
              checkout("github.event.pull_request.head.sha", true),
              actionStep(input, {
                name: "shiplock preview",
                inputs: {
                  command: "preview",
                  action: "${{ github.event.action == 'closed' && 'remove' || 'update' }}",
                  "pull-request": number,
                },
                needed,
                hosts,
              }),
            ]),
          ),
        ),
        entry(
          "sweep",
          mapping(
            entry("name", "take away what nobody closed"),
            entry("if", "github.event_name != 'pull_request'"),
            runsOn(config),
            timeout(previewMs),
            rights,
            entry("steps", [
              checkout(null, false),
              actionStep(input, {
                name: "shiplock preview sweep",
                inputs: { command: "preview", action: "sweep" },
                needed,
                hosts,
              }),
            ]),
          ),
          { apart: true },
        ),
      ),
      { apart: true },
    ),
  );
}
