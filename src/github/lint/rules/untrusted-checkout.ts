import { type Project, startsBy } from "../../read/project.ts";
import { actionOf, inputOf } from "../../read/scripts.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "untrusted-checkout",
  severity: "error",
  title: "Code of a fork runs with the repository's secrets",
  why: "`pull_request_target` runs with secrets and a token that may write, so building or testing the pull request's code there lets its author use both.",
  mend: "check pull requests with `pull_request`, and keep `pull_request_target` for what never runs their code",
  find,
};

function find(project: Project): readonly Hit[] {
  return project.jobs
    .filter(({ workflow }) => startsBy(workflow, "pull_request_target"))
    .flatMap(({ steps }) =>
      steps.flatMap(({ step, file }, index): Hit | readonly Hit[] => {
        const ref = actionOf(step) === "actions/checkout" ? inputOf(step, "ref") : null;
        const ofFork = /github\.event\.pull_request\.head\.(?:sha|ref)|github\.head_ref|refs\/pull\//.test(
          ref?.value ?? "",
        );
        const runsSomething = steps
          .slice(index + 1)
          .some(({ step: later }) => later.run !== null || (later.uses?.value ?? "").startsWith("./"));
        if (ref === null || !ofFork || !runsSomething) return [];
        return {
          file,
          place: ref.place,
          sentence:
            "this checks out code that anybody can send, and what follows runs it with this repository's secrets",
        };
      }),
    );
}
