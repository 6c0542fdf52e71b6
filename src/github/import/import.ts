import { type Answers, usualEnvironments } from "../../config/init/answers.ts";
import { type Proposal, propose } from "../../config/init/propose.ts";
import { type Tree, without } from "../../config/init/tree.ts";
import { workflowChecks } from "../../config/init/workflow-checks.ts";
import { parseConfig } from "../../config/load.ts";
import { ShiplockError } from "../../errors.ts";
import { readFile } from "../read/file.ts";
import { type JobFacts, type Project, projectOf } from "../read/project.ts";
import { buildsOf, loginsOf } from "./builds.ts";
import { deploysOf } from "./deploys.ts";
import { type Draft, draftFrom } from "./draft.ts";
import { isAddress } from "./hosts.ts";
import { restOf } from "./leftovers.ts";
import { sourcesOf } from "./sources.ts";
import { isKnown, uniqueFound } from "./texts.ts";
import type { Build, Deploy, Found, Import, Left } from "./types.ts";
import { writeChecks } from "./write-checks.ts";
import { writeEnvironments } from "./write-environments.ts";
import { registryOfBuilds, writeImages } from "./write-images.ts";
import { writeNotices } from "./write-notices.ts";

export type ImportOptions = {
  /** Absolute folder of the repository, for errors. */
  readonly root: string;
  /** `acme/shop`, where it is known. */
  readonly repository: string | null;
};

const generated = /(?:^|\/)shiplock-[\w-]+\.yml$/;

/**
 * Proposes the `shiplock.yml` that does what workflows do. What the repository's other files say comes from the same reading as `shiplock init`'s; what workflows
 * say is put over it. Pure: the same texts lead to the same proposal.
 * @param files texts of workflows and composite actions, by their path in the repository; generated ones are passed over
 * @throws ShiplockError `init/nothing-found`, `init/unreadable`, `init/invalid`, `init/has-module` about the rest of the repository
 */
export function importWorkflows(files: Readonly<Record<string, string>>, tree: Tree, options: ImportOptions): Import {
  const own = Object.entries(files).filter(([file]) => !generated.test(file));
  const read = own.map(([file, text]) => readFile(file, text));
  const project = projectOf(read);
  const bare = without(tree, ["shiplock.yml", "shiplock.yaml"]);
  const withFiles = onlyWorkflows(bare, Object.fromEntries(own));
  const checks = workflowChecks(withFiles);
  const isCheck = (facts: JobFacts): boolean =>
    [...checks.sources.values()].some(({ file, job }) => file === facts.file && job === facts.job.id);
  const known = { repository: options.repository };
  const builds = uniqueFound(project.jobs.flatMap((facts) => buildsOf(facts, known)));
  const logins = project.jobs.flatMap((facts) => loginsOf(facts, known));
  const { deploys, left } = deploysOf({
    project,
    sources: sourcesOf(read),
    covered: coveredBy(project, isCheck),
    ...known,
  });
  const ordered = [...deploys].sort((a, b) => a.after.length - b.after.length);
  const rest = restOf(project, isCheck);
  const { proposal, dropped } = proposed(
    withFiles,
    own.map(([file]) => file),
    answersFor(ordered, builds),
    options.root,
  );
  const config = proposal.files.find(({ path }) => /^shiplock\.ya?ml$/.test(path));
  const draft = draftFrom(
    (config?.text ?? "").replace(
      /^(# Written by .*)$/m,
      "# Proposed by `shiplock workflows import`: the places name what a line was taken from, `?` what a person has to say.",
    ),
  );
  const more: Left[] = [...left, ...dropped];
  writeImages(draft, builds, logins, more);
  if (dropped.length === 0) writeChecks(draft, checks, project, sourcesOf(read), more);
  writeEnvironments(draft, ordered, more);
  if (deploys.length === 0) askForPlaces(draft, own[0]?.[0]);
  writeNotices(draft, rest.notices);
  more.push(...withoutInvalid(draft, options.root));
  const text = draft.text();
  return {
    text,
    taken: draft.taken,
    questions: draft.questions,
    left: sorted([...rest.left, ...more]),
    notes: proposal.notes.filter((note) => !own.some(([file]) => note.startsWith(file))),
    missing: proposal.files.filter((file) => file !== config).map(({ path }) => path),
    problems: problemsOf(text, options.root),
  };
}

/** Where no workflow deploys, environments are examples. */
function askForPlaces(draft: Draft, file: string | undefined): void {
  if (file === undefined) return;
  for (const name of usualEnvironments)
    draft.ask(
      ["environments", name, "target", "compose", "hosts"],
      undefined,
      { file, line: 1 },
      "no workflow deploys: write the address of a host, or remove this environment",
    );
}

/** The tree with these workflows alone. */
function onlyWorkflows(tree: Tree, files: Readonly<Record<string, string>>): Tree {
  const others = tree.paths.filter((path) => !/^\.github\/workflows\/[^/]+\.ya?ml$/.test(path));
  return {
    ...tree,
    paths: [...new Set([...others, ...Object.keys(files)])].sort(),
    text: (path) => (Object.hasOwn(files, path) ? files[path] : tree.text(path)),
  };
}

/** Whether a workflow of a name does nothing but what became checks. */
function coveredBy({ workflows, jobs }: Project, isCheck: (facts: JobFacts) => boolean): (name: string) => boolean {
  return (name) => {
    const found = workflows.find((workflow) => workflow.name === name);
    return found !== undefined && jobs.filter(({ workflow }) => workflow === found).every(isCheck);
  };
}

/** A job that leads to nothing valid costs the checks, and an address that is none the answers; not the rest. */
function proposed(
  tree: Tree,
  files: readonly string[],
  answers: Answers,
  root: string,
): { proposal: Proposal; dropped: readonly Left[] } {
  const bare = without(tree, files);
  const plain = {
    ...answers,
    registry: undefined,
    environments: answers.environments.map(({ name }) => ({ name, hosts: [], domain: undefined })),
  };
  const whole = attempt(() => propose(tree, answers, root));
  if ("proposal" in whole) return { ...whole, dropped: [] };
  const dropped = files.map((file) => ({
    file,
    line: 1,
    what: "the jobs that check",
    why: `they lead to checks that are not valid: ${whole.reason}`,
    instead: "write them by hand under `checks` (docs/checks.md)",
  }));
  const some = attempt(() => propose(bare, answers, root));
  return { proposal: "proposal" in some ? some.proposal : propose(bare, plain, root), dropped };
}

function attempt(make: () => Proposal): { readonly proposal: Proposal } | { readonly reason: string } {
  try {
    return { proposal: make() };
  } catch (cause) {
    if (!(cause instanceof ShiplockError) || cause.code !== "init/invalid") throw cause;
    return { reason: cause.details[0] ?? cause.message };
  }
}

function answersFor(deploys: readonly Deploy[], builds: readonly Found<Build>[]): Answers {
  const registry = registryOfBuilds(builds);
  return {
    project: undefined,
    environments:
      deploys.length === 0
        ? usualEnvironments.map((name) => ({ name, hosts: [], domain: undefined }))
        : deploys.map((deploy) => ({
            name: deploy.environment.value,
            hosts: deploy.hosts.map(({ value }) => value).filter(isAddress),
            domain: domainOf(deploy),
          })),
    registry: registry === null ? undefined : { address: registry.address, insecure: false },
    tls: undefined,
    buildNetwork: undefined,
    edits: true,
  };
}

/** The public name of an environment, as its address or a look at it says. */
export function domainOf({ url, smoke, hosts }: Pick<Deploy, "url" | "smoke" | "hosts">): string | undefined {
  // With several hosts, a look at one of them by its name is none at the public address.
  const names = hosts.length > 1 ? hosts.map(({ value }) => value.replace(/^.*@|:\d+$/g, "")) : [];
  const addresses = [...(url === null ? [] : [url]), ...smoke]
    .map(({ value }) => value)
    .filter((value) => isKnown(value) && !names.some((name) => value.includes(`//${name}`)));
  return addresses
    .map((address) => /^https?:\/\/([a-z0-9.-]+\.[a-z]{2,})(?:[:/?#]|$)/i.exec(address)?.[1]?.toLowerCase())
    .find((domain) => domain !== undefined);
}

/** What a workflow says and no configuration takes is taken back, one by one, and listed. */
function withoutInvalid(draft: Draft, root: string): readonly Left[] {
  const left: Left[] = [];
  // Each turn takes one change back; there are no more of them than this.
  for (let turn = draft.taken.length + draft.questions.length; turn > 0; turn -= 1) {
    const [problem] = problemsOf(draft.text(), root);
    if (problem === undefined) break;
    const [, key, sentence] = /^\S+:\d+:\d+: (.+?): (.+)$/s.exec(problem) ?? [];
    const back = key === undefined ? null : draft.takeBack(key);
    if (back === null) break;
    left.push({
      file: back.file,
      line: back.line,
      what: back.key,
      why: `what the workflow says is no value of this key: ${sentence ?? ""}`,
      instead: "write it by hand (docs/configuration.md)",
    });
  }
  return left;
}

function problemsOf(text: string, root: string): readonly string[] {
  try {
    parseConfig(text, `${root}/shiplock.yml`);
    return [];
  } catch (cause) {
    if (!(cause instanceof ShiplockError)) throw cause;
    return cause.details.length > 0 ? cause.details : [cause.message];
  }
}

function sorted(left: readonly Left[]): readonly Left[] {
  const unique = [...new Map(left.map((one) => [`${one.file}:${one.line}:${one.what}`, one])).values()];
  return unique.sort((a, b) => (a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line));
}
