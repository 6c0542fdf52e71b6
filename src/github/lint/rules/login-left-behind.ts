import { isOwnMachine } from "../../read/changes.ts";
import type { JobFacts, Project, StepFacts } from "../../read/project.ts";
import { actionOf, inputOf, type Ran } from "../../read/scripts.ts";
import { dockerCall } from "../../read/shell/docker.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "login-left-behind",
  severity: "warning",
  title: "A registry login stays on the host",
  why: "`docker login` writes the token into a file of the host, where everybody who gets onto it, and every later job, can use it.",
  mend: "log in into a folder of its own (`DOCKER_CONFIG=$(mktemp -d)`) that is removed at the end, or run `docker logout` in a `trap`",
  find,
};

function find(project: Project): readonly Hit[] {
  return project.jobs.flatMap((facts) => {
    const all = facts.steps.flatMap((step) => step.ran.map((ran) => ({ step, ran })));
    const loggedOut = all.some(({ ran }) => ran.command.words.some(({ text }) => /\blogout\b/.test(text)));
    if (loggedOut) return [];
    const byCommand = all.filter(({ ran }) => staysOnHost(facts, ran)).map(({ step, ran }) => hitOf(step, ran.place));
    const byAction = facts.steps
      .filter(
        ({ step }) =>
          isOwnMachine(facts.job) &&
          actionOf(step) === "docker/login-action" &&
          inputOf(step, "logout")?.value === "false",
      )
      .map((step) => hitOf(step, step.step.uses?.place ?? step.step.place));
    return [...byCommand, ...byAction];
  });
}

function hitOf(step: StepFacts, place: Hit["place"]): Hit {
  return {
    file: step.file,
    place,
    sentence: "this login is written into a file of the host and stays there after the deployment, also when it fails",
  };
}

function staysOnHost({ job }: JobFacts, { program, command, script }: Ran): boolean {
  const docker = dockerCall(program);
  if (docker?.verb !== "login" || (script.where !== "host" && !isOwnMachine(job))) return false;
  const ownFolder = (text: string): boolean => /DOCKER_CONFIG/.test(text);
  if (docker.options.some(({ text }) => text.startsWith("--config"))) return false;
  return !(
    command.assignments.some(({ name }) => ownFolder(name)) ||
    script.commands.some(
      (each) =>
        each.assignments.some(({ name }) => ownFolder(name)) ||
        each.words.some(({ text }) => text.startsWith("DOCKER_CONFIG=")),
    )
  );
}
