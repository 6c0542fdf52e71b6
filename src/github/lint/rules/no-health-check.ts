import { type Project, waitingFor } from "../../read/project.ts";
import { after, happeningsOf, lookAt } from "../after.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "no-health-check",
  severity: "error",
  title: "Success without a health check",
  why: "Starting containers succeeds also when the application in them ends a second later: the run is green and the site is down.",
  mend: "wait until the new containers answer, with a deadline, and fail otherwise: `docker compose up -d --wait`, `kubectl rollout status`, a request that is repeated",
  find,
};

function find(project: Project): readonly Hit[] {
  return project.jobs.flatMap((facts): readonly Hit[] => {
    const last = facts.changes.findLast(({ tool }) => tool !== "copy");
    if (last === undefined || last.waits) return [];
    const later = [...after(facts, last), ...waitingFor(project, facts).flatMap(happeningsOf)];
    if (later.some((happening) => lookAt(happening) !== null)) return [];
    const file = facts.steps.find(({ step }) => step === last.step)?.file ?? facts.file;
    const sentence = `\`${last.what}\` succeeds as soon as things are started, and nothing after it looks whether they work`;
    return [{ file, place: last.place, sentence }];
  });
}
