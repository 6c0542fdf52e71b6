import type { JobFacts, Project } from "../../read/project.ts";
import { isPreview } from "../../read/environments.ts";
import { actionOf } from "../../read/scripts.ts";
import { isCalledFromElsewhere, locksOf } from "../locks.ts";
import { guardsOf } from "../guards.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "unlocked-deploy",
  severity: "error",
  title: "Two deployments run at the same time",
  why: "Without a lock two pushes deploy at once and their commands mix; which release lives in the end is chance.",
  mend: "give the job `concurrency: { group: deploy-ENVIRONMENT, queue: max, cancel-in-progress: false }`",
  find,
};

/** Actions that keep others out while the job runs. */
const locking: ReadonlySet<string> = new Set([
  "github/branch-deploy",
  "github/lock",
  "softprops/turnstyle",
  "ben-z/gh-action-mutex",
]);

function find(project: Project): readonly Hit[] {
  return project.jobs.flatMap((facts): readonly Hit[] => {
    const { deploys, environments, workflow, job, file } = facts;
    if (!deploys || (environments.length > 0 && environments.every(isPreview))) return [];
    if (isCalledFromElsewhere(project, workflow) || isQueuedByItself(facts)) return [];
    const locks = locksOf(project, facts);
    const lasting = locks.filter(({ varies }) => varies === null);
    // A lock outside of which somebody looks is told as that.
    if (lasting.length > 0 || (locks.length === 0 && guardsOf(project, facts).length > 0)) return [];
    const [first] = locks;
    if (first === undefined)
      return [
        {
          file,
          place: job.place,
          sentence: `nothing keeps two runs of ${job.id} apart: the second one begins while the first is in the middle`,
        },
      ];
    const sentence = `this group has another name for each \`${first.varies ?? ""}\`, so two of them deploy ${environments[0] ?? "to the same place"} at the same time`;
    return [{ file: first.file, place: first.concurrency.place, sentence }];
  });
}

/** Platforms and Shiplock keep a lock of their own, and some actions are one. */
function isQueuedByItself({ changes, steps }: JobFacts): boolean {
  if (steps.some(({ step }) => locking.has(actionOf(step)))) return true;
  return changes.length > 0 && changes.every(({ tool }) => tool === "kit");
}
