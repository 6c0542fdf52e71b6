import { readFile } from "../read/file.ts";
import { projectOf } from "../read/project.ts";
import type { ReadFile } from "../read/types.ts";
import { nearest } from "../../config/nearest.ts";
import { type Ignore, ignoresIn } from "./ignore.ts";
import { rules } from "./table.ts";
import type { Finding, Hit, Rule } from "./types.ts";

/** What the linter says about the files themselves, besides what rules find in them. */
export const fileRules = {
  unreadable: {
    id: "unreadable",
    severity: "error",
    title: "A file cannot be read",
    why: "GitHub does not run what it cannot read, and what is not read here is not checked.",
    mend: "mend the YAML",
  },
  ignore: {
    id: "ignore",
    severity: "warning",
    title: "A finding is switched off without a reason",
    why: "Who reads the comment in a year has to know why the finding does not count.",
    mend: "write `# shiplock-lint: ignore RULE REASON`",
  },
} as const satisfies Record<string, Omit<Rule, "find">>;

/** The page that explains the rules. */
export const page = "docs/workflows-lint.md";

/**
 * Looks for what goes wrong in deployments, in all files together. The same files give the same findings, sorted by place; those that a comment
 * switches off are there with its reason.
 * @param sources texts by the paths that findings name
 */
export function lintWorkflows(sources: Readonly<Record<string, string>>): readonly Finding[] {
  const files = Object.entries(sources).map(([file, source]) => readFile(file, source));
  const project = projectOf(files);
  const ignores = new Map(files.map(({ file, source }) => [file, ignoresIn(source)]));
  const findings = [
    ...files.flatMap(unreadable),
    ...files.flatMap(({ file }) => wrongIgnores(file, ignores.get(file) ?? [])),
    ...rules.flatMap((rule) => rule.find(project).map((hit) => findingOf(rule, hit, ignores.get(hit.file) ?? []))),
  ];
  return withoutRepeats(findings.toSorted(byPlace));
}

function findingOf(rule: Omit<Rule, "find">, hit: Hit, ignores: readonly Ignore[]): Finding {
  const { line, column } = hit.place;
  const ignore = ignores.find((each) => each.line === line && each.rules.includes(rule.id) && each.reason !== "");
  return {
    rule: rule.id,
    severity: hit.severity ?? rule.severity,
    file: hit.file,
    line,
    column,
    message: hit.sentence,
    mend: rule.mend,
    help: `${page}#${rule.id}`,
    ignored: ignore?.reason ?? null,
  };
}

function unreadable({ file, problems }: ReadFile): readonly Finding[] {
  return problems.map(({ place, sentence }) => findingOf(fileRules.unreadable, { file, place, sentence }, []));
}

/** A comment that switches nothing off does not pass in silence. */
function wrongIgnores(file: string, ignores: readonly Ignore[]): readonly Finding[] {
  const known = rules.map(({ id }) => id);
  return ignores.flatMap(({ rules: named, reason, place }) => {
    const unknown = named.find((rule) => !known.includes(rule));
    if (unknown !== undefined) {
      const meant = nearest(unknown, known);
      const sentence = `there is no rule ${JSON.stringify(unknown)}${meant === undefined ? "" : ` (did you mean ${meant}?)`}, so this switches nothing off`;
      return findingOf(fileRules.ignore, { file, place, sentence }, []);
    }
    if (named.length > 0 && reason !== "") return [];
    const sentence = `this switches nothing off: ${named.length === 0 ? "it names no rule" : "it gives no reason"}`;
    return findingOf(fileRules.ignore, { file, place, sentence }, []);
  });
}

/** A composite action that several jobs take in is found once for each of them. */
function withoutRepeats(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter((finding, index) => {
    const earlier = findings[index - 1];
    return earlier === undefined || byPlace(earlier, finding) !== 0;
  });
}

function byPlace(left: Finding, right: Finding): number {
  return (
    compare(left.file, right.file) ||
    left.line - right.line ||
    left.column - right.column ||
    compare(left.rule, right.rule)
  );
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
