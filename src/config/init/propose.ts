import { asObject, type Json } from "../../json.ts";
import { ShiplockError } from "../../errors.ts";
import { parseConfig } from "../load.ts";
import { readYaml } from "../read-yaml.ts";
import type { Answers } from "./answers.ts";
import { marker } from "./dockerfiles/ignore.ts";
import type { Draft } from "./drafts.ts";
import { type FoundApps, findApps } from "./find-apps.ts";
import { plainName } from "./names.ts";
import { type ComposeProject, readCompose } from "./read-compose.ts";
import { toolChecks } from "./tool-checks.ts";
import { configFile, type Tree, without } from "./tree.ts";
import type { App, CheckDraft, Finding, WrittenFile } from "./types.ts";
import { backingOf, releasedOf, useCompose } from "./use-compose.ts";
import { workflowChecks } from "./workflow-checks.ts";
import { uniqueByName, writeCompose } from "./write-compose.ts";
import { writeConfig } from "./write-config.ts";

/** What init found, and what it would write. Files are in the order in which they are written: the configuration, which names the others, last. */
export type Proposal = {
  readonly project: string;
  readonly findings: readonly Finding[];
  readonly files: readonly WrittenFile[];
  /** Lines of `shiplock.yml` that hold examples: a value of the team's has to take their place. */
  readonly examples: readonly string[];
  /** What a person should know. */
  readonly notes: readonly string[];
};

/**
 * Decides what to write for a repository. Pure: the same files and answers lead to the same texts. Files that an earlier run wrote are
 * not taken for the team's as long as nobody changed them, so running it again changes nothing.
 * @param root absolute, for errors
 * @throws ShiplockError `init/nothing-found`, `init/unreadable`, `init/invalid`
 */
export function propose(tree: Tree, answers: Answers, root: string): Proposal {
  const own = tree.paths.filter((path) => isOwn(tree.text(path) ?? ""));
  const first = proposeFor(without(tree, own), answers, root);
  const changed = own.filter(
    (path) => !first.files.some((file) => file.path === path && file.text === tree.text(path)),
  );
  if (changed.length === 0) return first;
  const unchanged = own.filter((path) => !changed.includes(path));
  return proposeFor(without(tree, unchanged), answers, root);
}

function refuseModule(tree: Tree): void {
  if (!tree.paths.includes("shiplock.config.ts")) return;
  throw new ShiplockError({
    code: "init/has-module",
    blame: "usage",
    message: "there is a shiplock.config.ts, and a configuration is one file",
    where: "shiplock.config.ts",
    remedy: "change that one by hand, or move it away and run init again",
  });
}

/** A file of an earlier run that applications could be found by. */
function isOwn(text: string): boolean {
  return text.startsWith(marker);
}

function proposeFor(tree: Tree, answers: Answers, root: string): Proposal {
  refuseModule(tree);
  const compose = readCompose(tree);
  const found = findApps(tree, answers.edits);
  const [broken] = found.unreadable;
  if (broken !== undefined) {
    throw new ShiplockError({
      code: "init/unreadable",
      blame: "usage",
      message: `it cannot be read: ${broken.reason}`,
      where: broken.path,
      remedy: "mend it, and run init again",
    });
  }
  const project = answers.project ?? projectName(tree);
  const released = compose === undefined ? [] : releasedOf(tree, compose);
  if (found.apps.length === 0 && released.length === 0) throw nothingFound(tree);
  const draft = draftOf(tree, project, found, compose, released.length > 0, answers);
  const fromWorkflows = workflowChecks(tree);
  const checks = fromWorkflows.checks.length > 0 ? fromWorkflows.checks : toolChecks(tree, found.apps);
  const config = writeConfig(project, draft, checks, answers);
  mustBeValid(config.text, root);
  const files = uniqueFiles([
    ...draft.files,
    { path: configFile(tree), text: config.text, kind: "whole", why: "what is built, checked and released, and where" },
  ]);
  return {
    project,
    findings: findingsOf(found.apps, draft, checks, compose),
    files: files.filter((file) => !keptFile(tree, file)),
    examples: config.examples,
    notes: [...new Set([...draft.notes, ...fromWorkflows.notes])],
  };
}

/** What the team has and init would only have written where it is missing. */
function keptFile(tree: Tree, { path, kind }: WrittenFile): boolean {
  return kind === "whole" && tree.text(path) !== undefined && /(^|\/)(Dockerfile|\.dockerignore|Caddyfile)$/.test(path);
}

function draftOf(
  tree: Tree,
  project: string,
  found: FoundApps,
  compose: ComposeProject | undefined,
  released: boolean,
  answers: Answers,
): Draft {
  if (compose !== undefined && released) {
    const publishes = releasedOf(tree, compose).some(({ published }) => published.length > 0);
    const asked = answers.environments.some(({ domain }) => domain !== undefined);
    return useCompose(tree, compose, found.apps, asked || !publishes);
  }
  const draft = writeCompose(project, found.apps, compose === undefined ? undefined : backingOf(tree, compose));
  return {
    ...draft,
    files: [...found.apps.flatMap(({ files }) => files), ...draft.files],
    notes: [...draft.notes, ...found.apps.flatMap(({ notes }) => notes)],
    variables: uniqueByName(draft.variables),
  };
}

function projectName(tree: Tree): string {
  const { raw } = readYaml("package.json", tree.text("package.json") ?? "");
  const name = asObject(raw as Json | undefined)?.["name"];
  return plainName(typeof name === "string" ? name : tree.folderName, "app");
}

/** Two applications of a workspace share its `.dockerignore`: both lists in one. */
function uniqueFiles(files: readonly WrittenFile[]): readonly WrittenFile[] {
  const merged = new Map<string, WrittenFile>();
  for (const file of files) {
    const before = merged.get(file.path);
    const lines = new Set(
      [...(before?.text ?? "").split("\n"), ...file.text.split("\n")].filter((line) => line !== ""),
    );
    merged.set(file.path, before === undefined ? file : { ...file, text: `${[...lines].join("\n")}\n` });
  }
  return [...merged.values()];
}

function findingsOf(
  apps: readonly App[],
  draft: Draft,
  checks: readonly CheckDraft[],
  compose: ComposeProject | undefined,
): readonly Finding[] {
  const where = (folder: string): string => (folder === "" ? "." : folder);
  return [
    ...apps.map(({ kind, folder, evidence, processes }) => ({
      what: [kind, ...(processes.length === 0 ? [] : [processes.map(({ name }) => name).join(" and ")])].join(" with "),
      where: where(folder),
      evidence,
    })),
    ...(compose === undefined
      ? []
      : [
          {
            what: "compose file",
            where: compose.files.join(", "),
            evidence: [
              `released: ${draft.services.map(({ name }) => name).join(", ")}`,
              ...(draft.backing.length === 0 ? [] : [`backing: ${draft.backing.join(", ")}`]),
            ],
          },
        ]),
    ...checks.map(({ name, from }) => ({
      what: `check ${name}`,
      where: ".",
      evidence: [from.replace(/^From (the )?/, "").replace(/\.$/, "")],
    })),
  ];
}

/** Nothing is written that this program would not take: a flag may be at fault, or a name that only Compose takes. */
function mustBeValid(text: string, root: string): void {
  try {
    parseConfig(text, `${root}/shiplock.yml`);
  } catch (cause) {
    if (!(cause instanceof ShiplockError)) throw cause;
    throw new ShiplockError({
      code: "init/invalid",
      blame: "usage",
      message: "nothing was written: the shiplock.yml that would be is not valid",
      details: cause.details,
      remedy: "mend the flag or the file that the value named here comes from, and run init again",
      cause,
    });
  }
}

function nothingFound(tree: Tree): ShiplockError {
  return new ShiplockError({
    code: "init/nothing-found",
    blame: "usage",
    message:
      tree.paths.length === 0
        ? "there is no file here that could be deployed"
        : `none of the ${tree.paths.length} files here says what could be deployed`,
    details: [
      "looked for: package.json with Next.js, NestJS, Express, Fastify, Koa, Hono, Vite, Astro, SvelteKit, Create React App or a script start",
      "requirements.txt or pyproject.toml with FastAPI, Django or Flask; a Dockerfile; a compose file that builds something",
      "in this folder and the three levels below it",
    ],
    remedy: "run it in the folder of your project, or write a Dockerfile first: with one, anything can be deployed",
  });
}
