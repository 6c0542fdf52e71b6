import { plainName } from "../../config/init/names.ts";
import { isPreview } from "../read/environments.ts";
import { callersOf, type JobFacts, neededBy, type Project } from "../read/project.ts";
import { textOf, valueAt } from "../read/values.ts";
import { senseOf } from "./commands.ts";
import { hostsOf } from "./hosts.ts";
import { filledIn, filledInShell, isKnown, type Reading, type Row, rowsOf, secretIn, uniqueFound } from "./texts.ts";
import { whenOf } from "./triggers.ts";
import type { Deploy, Found, From, Left } from "./types.ts";
import type { Sources } from "./sources.ts";

export type Deploys = { readonly deploys: readonly Deploy[]; readonly left: readonly Left[] };

type Context = {
  readonly project: Project;
  readonly sources: Sources;
  readonly repository: string | null;
  readonly covered: (workflow: string) => boolean;
};

/** Where a job that deploys is begun: by its own workflow, or by a job that calls it. */
type Begun = { readonly job: JobFacts; readonly inputs: Row };

/** Every place that jobs deploy to; jobs that deploy to one and the same are together. */
export function deploysOf(context: Context): Deploys {
  const left: Left[] = [];
  const found = context.project.jobs
    .filter(({ deploys }) => deploys)
    .flatMap((facts) =>
      begunBy(context.project, facts).flatMap((begun) => {
        const when = whenOf(begun.job, context.covered);
        left.push(...when.left);
        return rowsOf(facts.job.matrix).flatMap((row) => deploysOfJob(context, facts, begun, row, when, left));
      }),
    );
  const names = [...new Set(found.map(({ environment }) => environment.value))];
  const deploys = names.map((name) => together(found.filter(({ environment }) => environment.value === name)));
  return { deploys, left };
}

function begunBy(project: Project, facts: JobFacts): readonly Begun[] {
  const callers = callersOf(project, facts.workflow);
  if (callers.length === 0) return [{ job: facts, inputs: {} }];
  return callers.map((job) => ({
    job,
    inputs: Object.fromEntries(
      job.job.with.flatMap(({ key, value }) => {
        const text = textOf(value);
        return text === null ? [] : [[key, text]];
      }),
    ),
  }));
}

type Named = {
  readonly name: string;
  readonly guessed: boolean;
  readonly inputs: Row;
  /** One of several that a person chooses from, so that what begins by itself says nothing of it. */
  readonly chosen: boolean;
};

/** A name that is one here, too; empty for what YAML takes for something else than a text. */
function environmentName(text: string): string {
  const name = plainName(text, "");
  return /^(?:true|false|null|yes|no|on|off|y|n)$/.test(name) ? "" : name;
}

function namesFor(facts: JobFacts, reading: Reading): readonly Named[] {
  const written = facts.job.environment?.name.value;
  const known = written === undefined ? "" : filledIn(written, reading).trim();
  if (known !== "" && isKnown(known) && environmentName(known) !== "")
    return [{ name: environmentName(known), guessed: false, inputs: {}, chosen: false }];
  const input = /inputs\.([\w-]+)/.exec(written ?? "")?.[1];
  const said = facts.environments.map(environmentName).filter((name) => name !== "");
  if (said.length > 0)
    return said.map((name) => ({
      name,
      guessed: false,
      inputs: input === undefined ? {} : { [input]: name },
      chosen: input !== undefined && said.length > 1,
    }));
  return [{ name: "production", guessed: true, inputs: {}, chosen: false }];
}

function deploysOfJob(
  context: Context,
  facts: JobFacts,
  begun: Begun,
  row: Row,
  when: ReturnType<typeof whenOf>,
  left: Left[],
): readonly Deploy[] {
  const { repository, project } = context;
  const base: Reading = { facts, step: { env: [], with: [] }, row, inputs: begun.inputs, repository };
  const { job, file } = facts;
  const at: From = { file, line: job.environment?.name.place.line ?? job.place.line };
  return namesFor(facts, base).flatMap(({ name, guessed, inputs, chosen }) => {
    const begins = chosen ? nothing : when;
    for (const { value, from } of chosen ? [...when.push, ...when.tags, ...when.schedule] : [])
      left.push({
        ...from,
        what: `on: ${value}`,
        why: "the environment is chosen by hand, and nothing says which one this begins",
        instead: "write it under `on` of the environment that is meant",
      });
    if (isPreview(name)) {
      left.push({
        ...at,
        what: `job ${job.id}`,
        why: "a place of one pull request is none of `environments`",
        instead: "keep this workflow",
      });
      return [];
    }
    const reading: Reading = { ...base, inputs: { ...begun.inputs, ...inputs } };
    const steps = facts.steps.map((each) => ({ each, reading: { ...reading, step: each.step } }));
    const written = context.sources.job(facts);
    const minutes = valueAt(written, "timeout-minutes");
    const url = valueAt(valueAt(written, "environment"), "url");
    const senses = steps.flatMap(({ each, reading: own }) =>
      each.ran.map((ran) => ({ ran, own, each, sense: senseOf(ran) })),
    );
    const hosts = uniqueFound(steps.flatMap(({ each, reading: own }) => hostsOf(each, own)));
    const minutesText = textOf(minutes);
    const urlText = url?.kind === "text" ? filledIn(url.text.value, reading) : null;
    const deploy: Deploy = {
      environment: { value: name, from: at },
      guessed,
      hosts,
      url:
        url === null || urlText === null || !isKnown(urlText)
          ? null
          : { value: urlText, from: { file, line: url.place.line } },
      push: begins.push,
      tags: begins.tags,
      schedule: begins.schedule,
      checks: begins.checks,
      branches: begins.branches,
      after: beforeIt(project, begun.job, name),
      secrets: secretsOf(facts),
      variables: variablesOf(facts, reading),
      smoke: senses.flatMap(({ ran, own, each, sense }) =>
        sense.kind === "look"
          ? [{ value: filledInShell(sense.url, own), from: { file: each.file, line: ran.place.line } }]
          : [],
      ),
      migrations: senses.flatMap(({ ran, each, sense }) =>
        sense.kind === "migration" ? [{ value: sense.migration, from: { file: each.file, line: ran.place.line } }] : [],
      ),
      timeout:
        minutes === null || minutesText === null || !/^[1-9]\d{0,3}$/.test(minutesText)
          ? null
          : { value: `${minutesText}m`, from: { file, line: minutes.place.line } },
      runner: job.runsOn.includes("self-hosted") ? { value: job.runsOn, from: { file, line: job.place.line } } : null,
      local: hosts.length === 0 && job.runsOn.includes("self-hosted"),
    };
    return [deploy];
  });
}

const nothing: ReturnType<typeof whenOf> = { push: [], tags: [], schedule: [], checks: [], branches: [], left: [] };

/** The environments that the same workflow deploys to first. */
function beforeIt(project: Project, job: JobFacts, name: string): readonly Found<string>[] {
  const from = { file: job.file, line: job.job.place.line };
  const before = neededBy(project, job).flatMap((needed) => {
    if (!needed.deploys && needed.job.uses === null) return [];
    if (needed.environments.length === 1) return needed.environments;
    return needed.job.with.flatMap(({ key, value }) => (key === "environment" ? (textOf(value) ?? []) : []));
  });
  return [...new Set(before.map((one) => plainName(one, "production")))]
    .filter((one) => one !== name && !isPreview(one))
    .map((value) => ({ value, from }));
}

/** Names that carry the way to a host or a registry, and not what the application is given. */
const ways =
  /^(?:SSH_|DEPLOY_|SERVER_|HOST$|USER(?:NAME)?$|PORT$|KEY$|SLACK_|GITHUB_TOKEN$|GH_TOKEN$|DOCKER_|DOCKERHUB_|REGISTRY_|CR_PAT$|AWS_|KNOWN_HOSTS)/;

function secretsOf(facts: JobFacts): Deploy["secrets"] {
  const file = facts.file;
  const declared = [...facts.workflow.env, ...facts.job.env, ...facts.steps.flatMap(({ step }) => step.env)].flatMap(
    ({ key, value, place }) => {
      const on = secretIn(textOf(value) ?? "");
      return on === null ? [] : [{ value: { name: key, on }, from: { file, line: place.line } }];
    },
  );
  const written = facts.steps.flatMap(({ file: own, step, ran }) => {
    const texts = new Set([...(step.run === null ? [] : [step.run]), ...ran.map(({ script }) => script.text)]);
    return [...texts].flatMap((text) =>
      [...text.value.matchAll(/\b([A-Z][A-Z0-9_]*)=["']?\$\{\{\s*secrets\.(\w+)\s*\}\}/g)].map((found) => ({
        value: { name: found[1] ?? "", on: found[2] ?? "" },
        from: { file: own, line: text.placeAt(found.index).line },
      })),
    );
  });
  return uniqueFound(
    [...declared, ...written].filter(({ value: { name } }) => /^[A-Z][A-Z0-9_]*$/.test(name) && !ways.test(name)),
  );
}

function variablesOf(facts: JobFacts, reading: Reading): readonly Found<readonly [string, string]>[] {
  return [...facts.workflow.env, ...facts.job.env, ...facts.steps.flatMap(({ step }) => step.env)].flatMap(
    ({ key, value, place }) => {
      const text = textOf(value);
      const filled = text === null ? null : filledIn(text, reading);
      return filled === null || filled.includes("${{") || !/^[A-Za-z_]\w*$/.test(key)
        ? []
        : [{ value: [key, filled] as const, from: { file: facts.file, line: place.line } }];
    },
  );
}

function together(deploys: readonly Deploy[]): Deploy {
  const [first, ...rest] = deploys;
  if (first === undefined) throw new TypeError("an environment is deployed by some job");
  return rest.reduce<Deploy>(
    (all, one) => ({
      ...all,
      guessed: all.guessed && one.guessed,
      hosts: uniqueFound([...all.hosts, ...one.hosts]),
      url: all.url ?? one.url,
      push: uniqueFound([...all.push, ...one.push]),
      tags: uniqueFound([...all.tags, ...one.tags]),
      schedule: uniqueFound([...all.schedule, ...one.schedule]),
      checks: uniqueFound([...all.checks, ...one.checks]),
      branches: uniqueFound([...all.branches, ...one.branches]),
      after: uniqueFound([...all.after, ...one.after]),
      secrets: uniqueFound([...all.secrets, ...one.secrets]),
      variables: uniqueFound([...all.variables, ...one.variables]),
      smoke: uniqueFound([...all.smoke, ...one.smoke]),
      migrations: uniqueFound([...all.migrations, ...one.migrations]),
      timeout: all.timeout ?? one.timeout,
      runner: all.runner ?? one.runner,
      local: all.local && one.local,
    }),
    {
      ...first,
      push: uniqueFound(first.push),
      smoke: uniqueFound(first.smoke),
      migrations: uniqueFound(first.migrations),
      variables: uniqueFound(first.variables),
    },
  );
}
