import type { JobFacts, Project } from "../../read/project.ts";
import { isPreview } from "../../read/environments.ts";
import { type Lock, lockNameFor, locksOf } from "../locks.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "split-lock",
  severity: "error",
  title: "One environment, several locks",
  why: "A lock only keeps apart those who take the same one: a rollback and a deployment in groups of different names run at the same time.",
  mend: "use one group name for everything that changes the environment, in all files",
  find,
};

type Held = { facts: JobFacts; lock: Lock; names: readonly string[] };

function find(project: Project): readonly Hit[] {
  const holding = project.jobs
    .filter(({ deploys }) => deploys)
    .map((facts) => ({ facts, locks: locksOf(project, facts) }));
  const environments = new Set(project.jobs.flatMap((facts) => (facts.deploys ? facts.environments : [])));
  return [...environments]
    .filter((environment) => !isPreview(environment))
    .flatMap((environment) => {
      const held = holding
        .filter(({ facts }) => facts.environments.includes(environment))
        .flatMap(({ facts, locks }) => heldOf(facts, locks, environment));
      const [first, ...others] = held;
      if (first === undefined) return [];
      return others
        .filter(({ names }) => !names.some((name) => first.names.includes(name)))
        .map(({ facts, lock, names }): Hit => {
          const where = `${first.lock.file}:${first.lock.concurrency.place.line}`;
          const sentence = `${facts.job.id} changes ${environment} under ${JSON.stringify(names[0] ?? "")}, and ${first.facts.job.id} (${where}) changes it under ${JSON.stringify(first.names[0] ?? "")}: both can run at the same time`;
          return { file: lock.file, place: lock.concurrency.place, sentence };
        });
    });
}

/** What a job holds, where all of it can be told; a job without a lock is told by another rule. */
function heldOf(facts: JobFacts, locks: readonly Lock[], environment: string): readonly Held[] {
  const [lock] = locks;
  if (lock === undefined || locks.some(({ unknown }) => unknown)) return [];
  return [{ facts, lock, names: locks.map((each) => lockNameFor(each, facts, environment)) }];
}
