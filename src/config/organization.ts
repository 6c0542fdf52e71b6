import { dirname, relative, resolve } from "node:path";
import { formatLocation, ShiplockError } from "../errors.ts";
import { formatPath, plain, quote } from "./display.ts";
import type { ReadFile } from "./find.ts";
import type { Problem } from "./problem.ts";
import { entriesOf } from "./raw.ts";
import { readYaml } from "./read-yaml.ts";
import { maxAgeOf, resolveProviders } from "./resolve-secrets.ts";
import { literalVariableProblems } from "./rules.ts";
import { organizationSchema } from "./schema-secrets.ts";
import type { Organization } from "./types-secrets.ts";
import { validate } from "./validate.ts";

const keys = ["variables", "secrets"];

export type OrganizationPlace = {
  /** Absolute path of the configuration that names it. */
  file: string;
  /** What the configuration says; `undefined`: nothing. */
  written: string | undefined;
  /** What `SHIPLOCK_ORGANIZATION` says, which is taken first; relative to `cwd`. */
  variable: string | undefined;
  cwd: string;
  /** Of a checkout: its root, and the folder that the configuration has in the repository that it was made from, where a path that leaves the checkout starts. */
  checkout?: { root: string; folder: string };
};

/** Where the file of the organization lies, absolute; null for none. */
export function organizationFile({ file, written, variable, cwd, checkout }: OrganizationPlace): string | null {
  if (variable !== undefined && variable !== "") return resolve(cwd, variable);
  if (written === undefined) return null;
  const path = resolve(dirname(file), written);
  if (checkout === undefined || !relative(checkout.root, path).startsWith("..")) return path;
  return resolve(checkout.folder, written);
}

/**
 * What several projects have in common: variables, and where secrets are looked for. All problems of the file are told at once.
 * @param path absolute
 * @throws ShiplockError `config/organization-missing`, `config/organization-invalid`
 */
export async function loadOrganization(path: string, readFile: ReadFile): Promise<Organization> {
  const text = await readFile(path).catch((cause: unknown) => {
    throw new ShiplockError({
      code: "config/organization-missing",
      blame: "usage",
      message: `The organization's file ${plain(path)} cannot be read: ${String((cause as NodeJS.ErrnoException).code ?? "unknown")}.`,
      remedy: 'Mend the path under the key "organization" (or in SHIPLOCK_ORGANIZATION), or take it out.',
      cause,
    });
  });
  const read = readYaml(path, text);
  const raw = read.raw ?? {};
  const located = [
    ...read.problems,
    ...organizationProblems(raw).map((problem) => ({
      where: read.locate(problem.path, problem.at),
      sentence: `${formatPath(problem.path)}: ${problem.sentence}${problem.suggestion === undefined ? "" : ` (did you mean ${quote(problem.suggestion)}?)`}`,
    })),
  ];
  const parsed = organizationSchema.safeParse(raw);
  if (located.length > 0 || !parsed.success) {
    throw new ShiplockError({
      code: "config/organization-invalid",
      blame: "usage",
      message: `${plain(path)} is not valid.`,
      where: located[0]?.where ?? { file: path },
      details: located.map(({ where, sentence }) => `${plain(formatLocation(where))}: ${sentence}`),
      remedy: "Mend what is listed; docs/secrets.md says what it may hold.",
    });
  }
  const { variables = {}, secrets } = parsed.data;
  return {
    file: path,
    variables,
    providers: resolveProviders(secrets?.providers, dirname(path)),
    maxAgeMs: maxAgeOf(secrets?.maxAge),
  };
}

/** Its keys are some of a project's, so they are checked by the same rules. */
function organizationProblems(raw: unknown): readonly Problem[] {
  const unknown = entriesOf(raw).flatMap(([key]): Problem[] =>
    keys.includes(key)
      ? []
      : [{ path: [key], at: "key", sentence: `unknown key; an organization has ${keys.join(" and ")}` }],
  );
  const known = validate(raw).problems.filter(({ path }) => keys.includes(String(path[0])));
  return [...unknown, ...known, ...literalVariableProblems(raw, [])];
}
