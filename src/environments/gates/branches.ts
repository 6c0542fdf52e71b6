import { answersOf, listed } from "./answers.ts";
import { commitText, matchesAny, refText } from "./refs.ts";
import type { Gate, GateDecision, GateFacts } from "./types.ts";

const { pass, block } = answersOf("branches");

/** Which branches and tags may be deployed here at all. A bare commit and a working tree are none of them. What was live here once may come back. */
export const branchesGate: Gate = { name: "branches", judge };

function judge({ kind, policy, request, environment, dirty }: GateFacts): GateDecision {
  const { branches, tags } = policy;
  if (branches === undefined && tags === undefined) return pass(`any branch or tag may be deployed to ${environment}`);
  if (kind === "rollback") return pass("a rollback goes to what was live here before");
  const allowed = [...(branches ?? []).map((each) => `branch ${each}`), ...(tags ?? []).map((each) => `tag ${each}`)];
  const only = `${environment} takes only ${listed(allowed)}`;
  if (dirty) return block(`a working tree is no branch, and ${only}`, "commit, and deploy the branch without --dirty");
  const { ref } = request;
  if (ref === null)
    return block(
      `${commitText(request.commit)} was asked for without a branch or tag, and ${only}`,
      "name the branch or tag with --ref",
    );
  const patterns = ref.kind === "branch" ? branches : tags;
  if (matchesAny(patterns ?? [], ref.name)) return pass(`${refText(ref)} may be deployed to ${environment}`);
  return block(
    `${refText(ref)} may not be deployed to ${environment}: ${only}`,
    `deploy one of those, or add a pattern under environments.${environment}.${ref.kind === "branch" ? "branches" : "tags"}`,
  );
}
