import { expressionsIn } from "../../read/expressions.ts";
import type { Project } from "../../read/project.ts";
import type { Text } from "../../read/types.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "condition-always-true",
  severity: "error",
  title: "A condition that is always true",
  why: "Where anything stands beside `${{ }}` in `if`, GitHub puts the value into a text, and every text that is not empty is true: the guard lets everything through.",
  mend: "write the whole condition without `${{ }}`, and with `>-` where it takes several lines",
  find,
};

function find(project: Project): readonly Hit[] {
  return [
    ...project.jobs.flatMap(({ file, job }) => hitOf(file, job.if)),
    ...project.workflows.flatMap(({ file, jobs }) =>
      jobs.flatMap(({ steps }) => steps.flatMap((step) => hitOf(file, step.if))),
    ),
    ...project.actions.flatMap(({ file, steps }) => steps.flatMap((step) => hitOf(file, step.if))),
  ];
}

function hitOf(file: string, condition: Text | null): readonly Hit[] {
  if (condition === null) return [];
  const [first, ...others] = expressionsIn(condition.value);
  if (first === undefined) return [];
  const whole = others.length === 0 && first.start === 0 && first.end === condition.value.length;
  if (whole) return [];
  const beside =
    others.length === 0 && condition.value.trim().length === first.end - first.start
      ? "the end of the line"
      : "what stands beside it";
  const sentence = `with ${beside}, this is a text and no condition, and it is true whatever the expression says`;
  return [{ file, place: condition.placeAt(first.start), sentence }];
}
