import { readsContext } from "../../read/expressions.ts";
import { type JobFacts, type Project, type StepFacts, variableIn } from "../../read/project.ts";
import { actionOf, inputOf, type Ran } from "../../read/scripts.ts";
import { dockerCall } from "../../read/shell/docker.ts";
import { optionValues } from "../../read/shell/program.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "secret-build-argument",
  severity: "error",
  title: "A secret is a build argument",
  why: "Build arguments are kept in the image's history and in the build's cache: whoever can pull the image can read the secret.",
  mend: "hand it over as a build secret (`--secret id=NAME,env=NAME`) and mount it in the one RUN that needs it",
  find,
};

/** Values that end in the browser anyway. */
const publicName = /^(?:NEXT_PUBLIC|VITE|REACT_APP|NUXT_PUBLIC|PUBLIC|EXPO_PUBLIC|GATSBY|VUE_APP)_/;

function find(project: Project): readonly Hit[] {
  return project.jobs.flatMap((facts) =>
    facts.steps.flatMap((step) => [...byAction(step), ...step.ran.flatMap((ran) => byCommand(facts, step, ran))]),
  );
}

function byAction(step: StepFacts): readonly Hit[] {
  const text = actionOf(step.step) === "docker/build-push-action" ? inputOf(step.step, "build-args") : null;
  if (text === null) return [];
  let at = 0;
  return text.value.split("\n").flatMap((line): Hit | readonly Hit[] => {
    const start = at + (line.length - line.trimStart().length);
    at += line.length + 1;
    const name = line.trim().split("=", 1)[0] ?? "";
    return isSecret(line) && !publicName.test(name)
      ? { file: step.file, place: text.placeAt(start), sentence: sentenceOf(name) }
      : [];
  });
}

function byCommand(facts: JobFacts, step: StepFacts, { program, script }: Ran): readonly Hit[] {
  const docker = dockerCall(program);
  if (docker === null || !docker.verb.endsWith("build")) return [];
  return optionValues(docker.args, "--build-arg").flatMap((word): Hit | readonly Hit[] => {
    const [name = "", ...rest] = word.text.split("=");
    const value = rest.length === 0 ? `$${name}` : rest.join("=");
    if (publicName.test(name) || !holdsSecret(facts, step, value)) return [];
    return { file: step.file, place: script.text.placeAt(word.offsets[0] ?? 0), sentence: sentenceOf(name) };
  });
}

function holdsSecret(facts: JobFacts, { step }: StepFacts, value: string): boolean {
  if (isSecret(value)) return true;
  return [...value.matchAll(/\$\{?(\w+)|\$\{\{\s*env\.(\w+)/g)].some(([, variable, context]) =>
    isSecret(variableIn(facts, step, variable ?? context ?? "") ?? ""),
  );
}

function sentenceOf(name: string): string {
  return `the secret that ${name} holds stays readable in the image's history for whoever can pull it`;
}

function isSecret(text: string): boolean {
  return readsContext(text, "secrets");
}
