import type { Project } from "../../read/project.ts";
import { endsRecords, recordsMadeBy } from "../records.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "open-record",
  severity: "warning",
  title: "A deployment record is never ended",
  why: "A record without a last status is pending for ever: GitHub shows a deployment in progress, and whatever reads the records takes it for one.",
  mend: "end the record in a step with `if: always()` that writes success or failure",
  find,
};

function find(project: Project): readonly Hit[] {
  const ends = endsRecords(project);
  if (ends === "always") return [];
  const sentence =
    ends === "never"
      ? "nothing ever gives this deployment record a status that ends it"
      : "this deployment record is ended only when everything went well: after a failure or a cancelled run it stays in progress for ever";
  return project.jobs.flatMap((facts) =>
    recordsMadeBy(facts).map(({ file, place }): Hit => ({ file, place, sentence })),
  );
}
