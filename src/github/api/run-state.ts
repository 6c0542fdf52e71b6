import type { CommitStatus } from "../../checks/statuses.ts";

/**
 * What a check run or a workflow's run says.
 * @param run as GitHub has it: `status`, and how it concluded
 * @param harmless conclusions besides `success` that pass
 */
export function stateOfRun(
  { status, conclusion = null }: { status?: string | null | undefined; conclusion?: string | null | undefined },
  harmless: readonly string[] = [],
): CommitStatus["state"] {
  if (status !== "completed") return "pending";
  if (conclusion !== null && harmless.includes(conclusion)) return "success";
  switch (conclusion) {
    case "success":
      return "success";
    case "failure":
    case "cancelled":
    case "timed_out":
    case "startup_failure":
      return "failure";
    // Somebody has to do something before it goes on.
    case "action_required":
      return "pending";
    default:
      return "unknown";
  }
}
