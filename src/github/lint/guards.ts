import { dockerCall } from "../read/shell/docker.ts";
import { lineOf } from "../read/shell/program.ts";
import { actionOf, inputOf, type Ran } from "../read/scripts.ts";
import { type JobFacts, neededBy, type Project } from "../read/project.ts";
import type { Place } from "../read/types.ts";

/** A look at the state of an environment on which another job relies. */
export type Guard = { readonly facts: JobFacts; readonly file: string; readonly place: Place; readonly what: string };

/** The jobs before a deployment that look at what runs, what is held or who else deploys, each with its first look. */
export function guardsOf(project: Project, deploying: JobFacts): readonly Guard[] {
  return neededBy(project, deploying).flatMap((facts) => {
    if (facts.deploys || !isReliedOn(deploying, facts)) return [];
    for (const { step, ran, file } of facts.steps) {
      const script = actionOf(step) === "actions/github-script" ? inputOf(step, "script") : null;
      const call =
        script === null
          ? null
          : /\b(?:listDeployments|listDeploymentStatuses|listWorkflowRuns(?:ForRepo)?|getRepoVariable|getEnvironmentVariable)\b/.exec(
              script.value,
            );
      if (script !== null && call !== null) return { facts, file, place: script.placeAt(call.index), what: call[0] };
      const look = ran.find(looksAtState);
      if (look !== undefined) return { facts, file, place: look.place, what: look.program.name };
    }
    return [];
  });
}

/** The deployment asks what the job found out, or does not begin without it. */
function isReliedOn({ job }: JobFacts, { job: guard }: JobFacts): boolean {
  return job.needs.includes(guard.id);
}

/** A command that asks GitHub or a host what runs there, or who is at it. */
function looksAtState({ command, program, script }: Ran): boolean {
  const line = lineOf(command);
  if (program.name === "gh") {
    if (/-X\s*(?:POST|PATCH|PUT|DELETE)|--method\s+(?:POST|PATCH|PUT|DELETE)|\s-[fF]\s/.test(line)) return false;
    return (
      /\/deployments\b|\/actions\/runs\b|\/actions\/variables\//.test(line) ||
      /^gh (?:run list|variable get)\b/.test(line)
    );
  }
  if (program.name === "curl") return /api\.github\.com.*\/(?:deployments|actions\/runs)\b/.test(line);
  if (script.where !== "host") return false;
  const docker = dockerCall(program);
  if (docker !== null) return /^(?:ps|inspect|compose ps|compose images)$/.test(docker.verb);
  return ["cat", "test", "[", "readlink", "ls", "stat"].includes(program.name);
}
