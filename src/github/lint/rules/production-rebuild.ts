import { isOwnMachine } from "../../read/changes.ts";
import { isProduction, isStaging } from "../../read/environments.ts";
import { type JobFacts, neededBy, type Project, type StepFacts } from "../../read/project.ts";
import { actionOf, type Ran } from "../../read/scripts.ts";
import { dockerCall } from "../../read/shell/docker.ts";
import { hasOption } from "../../read/shell/program.ts";
import type { Job, Place } from "../../read/types.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "production-rebuild",
  severity: "error",
  title: "Production gets an image that nobody tested",
  why: "The same commit built again is another image: base images and packages have moved on, so what was tested on staging is not what ships.",
  mend: "build once, push, and deploy the same digest to every environment",
  find,
};

type Build = { step: StepFacts; place: Place; onHost: boolean };

function find(project: Project): readonly Hit[] {
  const stagingBuilds = project.jobs
    .filter(({ deploys, environments }) => deploys && environments.some(isStaging))
    .map((facts) => buildsOf(project, facts))
    .filter((each) => each.length > 0);
  return project.jobs
    .filter(({ deploys, environments }) => deploys && (environments.length === 0 || environments.some(isProduction)))
    .flatMap((facts) => {
      const builds = buildsOf(project, facts);
      const isAnother = (build: Build): boolean =>
        facts.environments.length > 0 &&
        stagingBuilds.length > 0 &&
        !stagingBuilds.some((each) => each.some((other) => other.step.step === build.step.step));
      return builds.flatMap((build): Hit | readonly Hit[] => {
        if (!build.onHost && !isAnother(build)) return [];
        const sentence = build.onHost
          ? "the image is built on the host itself, at the moment of the deployment: no check has seen it, each host gets its own, and no registry keeps it for a rollback"
          : "production gets an image of its own, built after the one for staging: the bytes that were tested are not the ones that ship";
        return { file: build.step.file, place: build.place, sentence };
      });
    });
}

/** The builds of a job and of those that it needs. */
function buildsOf(project: Project, facts: JobFacts): readonly Build[] {
  return [facts, ...neededBy(project, facts)].flatMap(({ steps, job }) =>
    steps.flatMap((step): readonly Build[] => {
      if (actionOf(step.step) === "docker/build-push-action")
        return [{ step, place: step.step.uses?.place ?? step.step.place, onHost: false }];
      return step.ran.filter(buildsImage).map((ran) => ({ step, place: ran.place, onHost: isOnHost(job, ran) }));
    }),
  );
}

/** On the machine that serves: one of the team's own whose Compose builds what it starts counts as that. */
function isOnHost(job: Job, { script, program }: Ran): boolean {
  return script.where === "host" || (isOwnMachine(job) && dockerCall(program)?.verb === "compose up");
}

function buildsImage({ program }: Ran): boolean {
  const docker = dockerCall(program);
  if (docker === null) return false;
  if (docker.verb === "compose up") return hasOption(docker.args, "--build");
  return ["build", "buildx build", "compose build"].includes(docker.verb);
}
