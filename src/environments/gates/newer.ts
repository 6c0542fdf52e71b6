import type { RefName } from "../queue/types.ts";
import type { LiveRelease } from "../record/types.ts";
import { answersOf, momentText } from "./answers.ts";
import { commitText } from "./refs.ts";
import type { Gate, GateDecision, GateFacts } from "./types.ts";

const { pass, block, skip } = answersOf("newer");

/**
 * What is older than what is live comes back by a rollback alone, never by a run that is late or was started once more. Where git does not say which of two commits is
 * older, what comes by itself is judged by when they were made; who deploys by hand knows what they do.
 */
export const newerGate: Gate = { name: "newer", judge };

function judge({ kind, request, state, relation, environment }: GateFacts): GateDecision {
  const { live } = state;
  if (live === null) return pass("nothing is live yet");
  if (kind === "rollback") return pass("a rollback goes to what is older");
  const live7 = `${commitText(live.commit)}, which is live`;
  const automatic = request.trigger === "automatic";
  const refuse = automatic ? skip : block;
  switch (relation) {
    case "same":
      return pass(`its commit is the one that is live`);
    case "newer":
      return pass(`it follows ${live7}`);
    case "older":
      if (!automatic && isAnotherBranch(request.ref, live))
        return pass(
          `it is behind ${live7}, and replaces ${live.ref ?? "a bare commit"} as ${request.origin.who} wants`,
        );
      return refuse(
        `${commitText(request.commit)} is older than ${live7}`,
        `to go back on purpose: \`shiplock rollback ${environment} --to ${request.commit.slice(0, 12)}\``,
      );
    case "diverged":
    case "unknown": {
      const how =
        relation === "diverged" ? `it is on another branch than ${live7}` : `git does not know ${live7}, here`;
      const made = live.asked?.commitTime ?? null;
      if (!automatic || made === null || Date.parse(request.commitTime) >= Date.parse(made)) return pass(how);
      return skip(
        `${commitText(request.commit)} was made ${momentText(request.commitTime)}, before ${live7} (${momentText(made)})`,
        `deploy it by hand if it shall replace what is live, or go back with \`shiplock rollback ${environment}\``,
      );
    }
  }
}

/**
 * Who names another branch than the one that is live wants that branch there, however far it is: so `main` frees what was occupied by a branch that began at it. An older
 * commit of the same branch, an older tag or a bare commit is what a rollback is for.
 */
function isAnotherBranch(ref: RefName | null, live: LiveRelease): boolean {
  return ref?.kind === "branch" && ref.name !== (live.asked?.ref?.name ?? live.ref);
}
