import type { JobFacts, Project, StepFacts } from "../../read/project.ts";
import { actionOf, inputOf, type Ran } from "../../read/scripts.ts";
import { lineOf } from "../../read/shell/program.ts";
import { dockerCall } from "../../read/shell/docker.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "rollback-second-newest",
  severity: "error",
  title: "A rollback takes the second newest",
  why: "The second newest is not the last one that worked: after a failed deployment, a second rollback or a run that is in progress it is the broken release, or the one that runs already.",
  mend: "keep which releases were healthy in which environment, and go back to the newest of them that is not the present one",
  find,
};

function find(project: Project): readonly Hit[] {
  return project.jobs.flatMap((facts) => facts.steps.flatMap((step) => hitsOf(facts, step)));
}

function hitsOf(facts: JobFacts, step: StepFacts): readonly Hit[] {
  const goesBack = speaksOfGoingBack(facts, step);
  const script = actionOf(step.step) === "actions/github-script" ? inputOf(step.step, "script") : null;
  const index = script === null ? -1 : secondInScript(script.value);
  if (script !== null && index >= 0)
    return [{ file: step.file, place: script.placeAt(index), sentence: sentenceOf("list of deployments") }];
  return step.ran.flatMap((ran): Hit | readonly Hit[] => {
    const source = listedBy(ran);
    if (source === null || (!goesBack && source !== "deployments")) return [];
    const stages = step.ran.filter(
      (each) => each.script === ran.script && each.command.pipeline === ran.command.pipeline,
    );
    if (!takesSecond(stages)) return [];
    return { file: step.file, place: ran.place, sentence: sentenceOf(`list of ${source}`) };
  });
}

function sentenceOf(list: string): string {
  return `the second of the ${list} is taken for the last good one: after a failed deployment, or while this run has a record of its own, it is the wrong one`;
}

function speaksOfGoingBack({ job, workflow, file }: JobFacts, { step }: StepFacts): boolean {
  const said = [job.id, job.name?.value, workflow.name, file.split("/").at(-1), step.name?.value, step.id].join(" ");
  return /roll(?:ing)?[-_ ]?back|revert|previous|undo/i.test(said);
}

/** `listDeployments` and then `[1]`. */
function secondInScript(script: string): number {
  if (!/listDeployments\b|\/deployments\b/.test(script)) return -1;
  return /\bdata\s*\[1\]|\bdeployments\s*\[1\]|\.at\(1\)/.exec(script)?.index ?? -1;
}

/** What a command lists, the newest first or last. */
function listedBy({ command, program }: Ran): string | null {
  const line = lineOf(command);
  if (program.name === "gh") {
    if (/\/deployments(?:[?\s"']|$)/.test(line)) return "deployments";
    if (/^gh (?:run|release) list\b|\/(?:releases|tags|versions|runs)(?:[?\s"']|$)/.test(line))
      return "releases or runs";
    return null;
  }
  if (program.name === "curl") return /\/deployments(?:[?\s"']|$)/.test(line) ? "deployments" : null;
  if (program.name === "git")
    return /^(?:\S*git) (?:-C \S+ )?(?:tag|log|for-each-ref|rev-list)\b/.test(line) ? "tags or commits" : null;
  if (program.name === "ls") return /\s-\w*t/.test(line) ? "folders" : null;
  if (program.name === "aws")
    return /\becr (?:describe|list)-images\b|\becs list-task-definitions\b/.test(line) ? "images" : null;
  return dockerCall(program)?.verb === "images" ? "images" : null;
}

/** Whether the stages of a pipeline, or the command's own option, leave the second line or element. */
function takesSecond(stages: readonly Ran[]): boolean {
  let first = 0;
  for (const { command, program } of stages) {
    const words = program.args.map(({ text }) => text);
    const line = lineOf(command);
    if (/(?:^|\s|--jq[ =]|-q )\S*\.?\[1\](?!\d)/.test(line) && /^(?:jq|gh|yq)$/.test(program.name)) return true;
    if (program.name === "aws" && /--query[ =]\S*\[(?:1|-2)\]/.test(line)) return true;
    if (program.name === "sed" && words.some((word) => /^2(?:p|\{p;q;?\}|!d)/.test(word) || word === "2q;d"))
      return true;
    if (program.name === "awk" && /NR\s*==\s*2/.test(line)) return true;
    const count = /(?:^|\s)-n?\s?(\+?\d+)/.exec(words.join(" "))?.[1];
    if (program.name === "head" || program.name === "tail") {
      if ((count === "2" || (program.name === "tail" && count === "+2")) && first === 0) first = count === "2" ? 2 : 1;
      else if (count === "1" && first > 0) return true;
    }
  }
  return false;
}
