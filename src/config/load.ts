import { relative } from "node:path";
import { pathToFileURL } from "node:url";
import { formatLocation, ShiplockError } from "../errors.ts";
import { formatPath, plain, quote } from "./display.ts";
import { findConfig, type ReadFile } from "./find.ts";
import type { Variables } from "./interpolate.ts";
import { type Problem, withoutEchoes } from "./problem.ts";
import { loadOrganization, organizationFile } from "./organization.ts";
import { readModule } from "./read-module.ts";
import { textOf, valueAt } from "./raw.ts";
import { type LocatedProblem, type ReadResult, readYaml } from "./read-yaml.ts";
import { referenceProblems } from "./references.ts";
import { resolveConfig } from "./resolve.ts";
import { ruleProblems } from "./rules.ts";
import type { Config } from "./types.ts";
import type { Organization } from "./types-secrets.ts";
import { validate } from "./validate.ts";

export type LoadConfigOptions = {
  /** The file, absolute or from `cwd`; when not given it is looked for from `cwd` upward to the folder that holds `.git`. */
  path?: string | undefined;
  /** Absolute. */
  cwd: string;
  readFile: ReadFile;
  /** Variables of the process, to check texts that refer to them. */
  env: Variables;
  /** Loads `shiplock.config.ts`; the runtime's own `import` when not given. */
  importModule?: (path: string) => Promise<unknown>;
  /** Of a checkout: its root, and the folder that the configuration has in the repository, where an organization's path that leaves the checkout starts. */
  checkout?: { root: string; folder: string };
};

/** More than a person reads at once. */
const MOST_DETAILS = 100;

/**
 * Finds, reads and checks the configuration. All problems are told at once: `config/invalid` has one line for each under `details`, as
 * `file:line:column: key.path: sentence (did you mean "…"?)`, in the order of the file.
 *
 * Errors, all of them the user's to mend: `config/not-found`, `config/ambiguous`, `config/unreadable`, `config/invalid`, and those of `loadOrganization`.
 */
export async function loadConfig(options: LoadConfigOptions): Promise<Config> {
  const { path, text } = await findConfig(options.path, options.cwd, options.readFile);
  const inside = relative(options.cwd, path);
  const file = inside.startsWith("..") ? path : inside;
  const importModule = options.importModule ?? importFile;
  const isModule = /\.[cm]?[jt]s$/.test(path);
  const read = isModule ? await readModule(file, path, importModule) : readYaml(file, text);
  const shared = organizationFile({
    file: path,
    written: textOf(valueAt(read.raw, ["organization"])),
    variable: options.env["SHIPLOCK_ORGANIZATION"],
    cwd: options.cwd,
    ...(options.checkout === undefined ? {} : { checkout: options.checkout }),
  });
  const organization = shared === null ? undefined : await loadOrganization(shared, options.readFile);
  return checkConfig(path, file, read, options.env, organization);
}

/** As `loadConfig`, for a YAML text at hand, without the organization's file. `path` is absolute and is what errors name. */
export function parseConfig(text: string, path: string, env: Variables = {}): Config {
  return checkConfig(path, path, readYaml(path, text), env);
}

function importFile(path: string): Promise<unknown> {
  return import(pathToFileURL(path).href) as Promise<unknown>;
}

function checkConfig(
  path: string,
  file: string,
  read: ReadResult,
  env: Variables,
  organization?: Organization,
): Config {
  if (read.raw === undefined && read.problems.length > 0) throw invalid(file, read.problems);
  const { input, problems } = validate(read.raw);
  const known = { ...env, ...organization?.variables };
  const told = withoutEchoes([...problems, ...referenceProblems(read.raw), ...ruleProblems(read.raw, known)]);
  const located = [...read.problems, ...told.map((problem) => locateProblem(problem, read))];
  if (input === undefined || located.length > 0) throw invalid(file, located);
  return resolveConfig(input, path, organization);
}

function locateProblem(problem: Problem, read: ReadResult): LocatedProblem {
  const meant = problem.suggestion === undefined ? "" : ` (did you mean ${quote(problem.suggestion)}?)`;
  return {
    where: read.locate(problem.path, problem.at),
    sentence: `${formatPath(problem.path)}: ${problem.sentence}${meant}`,
  };
}

function invalid(file: string, problems: readonly LocatedProblem[]): ShiplockError {
  const sorted = problems.toSorted(
    (a, b) => (a.where.line ?? 0) - (b.where.line ?? 0) || (a.where.column ?? 0) - (b.where.column ?? 0),
  );
  const lines = [...new Set(sorted.map(({ where, sentence }) => `${plain(formatLocation(where))}: ${sentence}`))];
  const more = lines.length > MOST_DETAILS ? [`and ${lines.length - MOST_DETAILS} more`] : [];
  return new ShiplockError({
    code: "config/invalid",
    blame: "usage",
    message: `${plain(file)} is not valid: ${lines.length === 1 ? "one problem" : `${lines.length} problems`}.`,
    where: sorted[0]?.where ?? { file },
    details: [...lines.slice(0, MOST_DETAILS), ...more],
    remedy: "Mend what is listed; docs/configuration.md has every key.",
  });
}
