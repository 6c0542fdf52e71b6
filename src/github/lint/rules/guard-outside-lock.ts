import type { Project } from "../../read/project.ts";
import { guardsOf } from "../guards.ts";
import { locksOf } from "../locks.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "guard-outside-lock",
  severity: "error",
  title: "The guard looks before the lock is taken",
  why: "Between the guard's look and the deployment another run can change what the guard saw, so both find the way free and both deploy.",
  mend: "look and deploy in one job under one `concurrency` group, or put the group on the whole workflow",
  find,
};

function find(project: Project): readonly Hit[] {
  return project.jobs
    .filter(({ deploys }) => deploys)
    .flatMap((facts) =>
      guardsOf(project, facts).flatMap(({ file, place, what, facts: guard }): Hit | readonly Hit[] => {
        // A group of the workflow, or of the job that calls it, is held from the first job to the last.
        const held = locksOf(project, facts).some(
          ({ concurrency, varies }) => concurrency !== facts.job.concurrency && varies === null,
        );
        if (held) return [];
        const sentence = `\`${what}\` in the job ${guard.job.id} says what holds now, and ${facts.job.id} deploys later as a job of its own: nothing keeps another run from deploying in between`;
        return { file, place, sentence };
      }),
    );
}
