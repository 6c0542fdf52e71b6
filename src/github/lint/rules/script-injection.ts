import { expressionsIn, flowsOf } from "../../read/expressions.ts";
import { type JobFacts, localAction, type Project, variableIn } from "../../read/project.ts";
import { actionOf, inputOf, ownScript } from "../../read/scripts.ts";
import type { CompositeAction, Step, Text } from "../../read/types.ts";
import type { Hit, Rule } from "../types.ts";
import { type Origin, type OriginScope, originOf } from "../origins.ts";

export const rule: Rule = {
  id: "script-injection",
  severity: "error",
  title: "Text of outside origin becomes part of a script",
  why: "GitHub puts the value into the script before the shell reads it, so a title or a branch that holds `$(…)` runs as a command, with the job's secrets.",
  mend: 'pass the value through `env` and write "$NAME" in the script',
  find,
};

function find(project: Project): readonly Hit[] {
  const inJobs = project.jobs.flatMap((facts) =>
    facts.steps
      .filter(({ caller }) => caller === null)
      .flatMap(({ step }) => hitsOf(facts.file, step, scopeOf(project, facts, step))),
  );
  const inActions = project.actions.flatMap((action) =>
    action.steps.flatMap((step) => hitsOf(action.file, step, actionScope(project, action, step))),
  );
  return [...inJobs, ...inActions];
}

function hitsOf(file: string, step: Step, scope: OriginScope): readonly Hit[] {
  return scriptTexts(step).flatMap((text) =>
    expressionsIn(text.value).flatMap(({ start, body }): Hit | readonly Hit[] => {
      const origin = (flowsOf(body) ?? []).map((flow) => originOf(flow, scope)).find((each) => each !== null);
      if (origin === undefined || origin === null) return [];
      const sentence = sentenceOf(body, origin, step.uses === null ? "shell" : "script");
      return { file, place: text.placeAt(start), sentence, severity: origin.who === "anybody" ? "error" : "warning" };
    }),
  );
}

function sentenceOf(body: string, { what, who }: Origin, where: string): string {
  const whose = who === "anybody" ? "anybody can choose" : "whoever may start or push can choose";
  const kept = body.length > 60 ? `${body.slice(0, 60)}…` : body;
  return `\${{ ${kept} }} holds ${what}, which ${whose}, and becomes part of the ${where}: what stands in it runs with this job's rights and secrets`;
}

/** What a shell, or JavaScript, reads as code. */
function scriptTexts(step: Step): readonly Text[] {
  if (step.run !== null) return [step.run];
  if (actionOf(step) === "actions/github-script") return [inputOf(step, "script") ?? []].flat();
  const remote = ownScript(step, null);
  return remote === null ? [] : [remote.text];
}

function scopeOf(project: Project, facts: JobFacts, step: Step): OriginScope {
  return {
    project,
    workflow: facts.workflow,
    variable: (name) => variableIn(facts, step, name),
    stepUses: (id) => facts.steps.find((each) => each.step.id === id)?.step.uses?.value ?? null,
    handedIn: () => null,
    depth: 0,
  };
}

/** An action's inputs are as trustworthy as what its users hand in. */
function actionScope(project: Project, action: CompositeAction, step: Step): OriginScope {
  const variable = (name: string): string | null => {
    const value = step.env.find(({ key }) => key === name)?.value;
    return value?.kind === "text" ? value.text.value : null;
  };
  const handedIn: OriginScope["handedIn"] = (name) =>
    project.jobs.flatMap((facts) =>
      facts.steps
        .filter((each) => localAction(each.step, project.actions) === action && each.caller === null)
        .map((each) => ({ text: inputOf(each.step, name)?.value ?? "", scope: scopeOf(project, facts, each.step) })),
    );
  return { project, workflow: null, variable, stepUses: () => null, handedIn, depth: 0 };
}
