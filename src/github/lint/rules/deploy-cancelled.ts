import type { Project } from "../../read/project.ts";
import { isPreview } from "../../read/environments.ts";
import { conditionOf } from "../../read/expressions.ts";
import { locksOf } from "../locks.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "deploy-cancelled",
  severity: "error",
  title: "A newer run cancels a deployment",
  why: "Cancelling kills the job between two commands, so hosts are left with half of each release and nobody is told.",
  mend: "write `cancel-in-progress: false` and `queue: max` for the group that deploys, and keep cancelling for checks",
  find,
};

function find(project: Project): readonly Hit[] {
  return project.jobs
    .filter(({ deploys, environments }) => deploys && !(environments.length > 0 && environments.every(isPreview)))
    .flatMap((facts) =>
      locksOf(project, facts).flatMap(({ concurrency: { cancel }, file }): Hit | readonly Hit[] => {
        if (cancel === null || conditionOf(cancel.text) !== "true") return [];
        const sentence = `a newer run of this group kills the job ${facts.job.id} in the middle of its deployment, and what it has begun stays half done`;
        return { file, place: cancel.place, sentence };
      }),
    );
}
