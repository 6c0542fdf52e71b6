import type { Project } from "../../read/project.ts";
import { isPreview } from "../../read/environments.ts";
import { conditionOf } from "../../read/expressions.ts";
import { locksOf } from "../locks.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "waiting-run-dropped",
  severity: "warning",
  title: "A deployment that waits is dropped",
  why: "A group keeps one waiting run unless it says otherwise: the third deployment cancels the second without a word, also when the second was a rollback.",
  mend: "write `queue: max` beside the group",
  find,
};

function find(project: Project): readonly Hit[] {
  return project.jobs
    .filter(({ deploys, environments }) => deploys && !(environments.length > 0 && environments.every(isPreview)))
    .flatMap((facts) =>
      locksOf(project, facts).flatMap(({ concurrency, file, varies }): Hit | readonly Hit[] => {
        const { cancel, queue, place } = concurrency;
        const queues = queue !== null && queue !== "single";
        // A group that cancels what runs is told by another rule, and one for each run holds nobody back.
        const cancels = cancel !== null && conditionOf(cancel.text) !== "false";
        if (queues || cancels || varies !== null) return [];
        const sentence = `while ${facts.job.id} deploys, only one run waits in this group: the next one that comes replaces it, and whoever asked for it gets "cancelled"`;
        return { file, place, sentence };
      }),
    );
}
