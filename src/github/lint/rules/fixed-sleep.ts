import type { Project } from "../../read/project.ts";
import { after, lookAt } from "../after.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "fixed-sleep",
  severity: "warning",
  title: "A fixed sleep instead of waiting",
  why: "On a slow day the application needs longer than the sleep and a good release fails; on any other day everybody waits for nothing.",
  mend: "ask again and again until it answers or a deadline has passed, for example `curl --retry 30 --retry-delay 2 --retry-all-errors --fail`",
  find,
};

function find(project: Project): readonly Hit[] {
  return project.jobs.flatMap((facts) => {
    const [first] = facts.changes;
    if (first === undefined) return [];
    const later = after(facts, first);
    const looks = later.map(lookAt);
    return later.flatMap(({ ran, step }, index): Hit | readonly Hit[] => {
      if (ran === null || ran.program.name !== "sleep" || ran.command.looped || ran.command.before === "||") return [];
      const seconds = ran.program.args[0]?.text ?? "";
      const next = looks.find((look, at) => at > index && look !== null);
      if (next !== "once" || !/^\d/.test(seconds)) return [];
      const sentence = `this waits ${seconds}${/\d$/.test(seconds) ? " seconds" : ""}, however long the application takes, and then it is asked once`;
      return { file: step.file, place: ran.place, sentence };
    });
  });
}
