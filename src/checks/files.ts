import ignore from "ignore";
import { quote } from "../config/display.ts";
import { ShiplockError } from "../errors.ts";

/**
 * The files of a commit that a check gets. Patterns are those of `.gitignore`, the other way round: they say what is in. One with a slash counts from the
 * repository's root, one without matches at any depth, a folder stands for everything below it, `!` takes out again, and the last pattern that matches decides. A list of
 * exceptions alone takes them out of everything. Upper and lower case differ.
 * @param patterns `undefined`: every file
 * @param paths from the root of the repository, with "/"; the answer keeps their order
 * @throws ShiplockError `check/files-outside` for a pattern that leaves the repository
 */
export function selectFiles(patterns: readonly string[] | undefined, paths: readonly string[]): string[] {
  if (patterns === undefined) return [...paths];
  const rules = patterns.map(ruleOf);
  const inAtFirst = rules.every((rule) => rule.exception);
  return paths.filter((path) => {
    const last = rules.findLast((rule) => rule.matches(path));
    return last === undefined ? inAtFirst : !last.exception;
  });
}

type Rule = { exception: boolean; matches(path: string): boolean };

/** A matcher for each pattern: `.gitignore`'s own evaluation of a list would not let a file back in below a folder that is out. */
function ruleOf(pattern: string): Rule {
  const exception = pattern.startsWith("!");
  const bare = (exception ? pattern.slice(1) : pattern).replace(/^\.\//, "");
  if (bare.split("/").includes("..")) throw outside(pattern);
  // "." and "./" are the root itself, so everything.
  if (bare === "" || bare === ".") return { exception, matches: () => true };
  // A pattern is never a comment here, and "!" was taken off already.
  const escaped = /^[#!]/.test(bare) ? `\\${bare}` : bare;
  const matcher = ignore({ ignorecase: false, allowRelativePaths: true }).add({ pattern: escaped });
  return { exception, matches: (path) => matcher.ignores(path) };
}

function outside(pattern: string): ShiplockError {
  return new ShiplockError({
    code: "check/files-outside",
    blame: "usage",
    message: `the pattern ${quote(pattern)} leaves the repository`,
    remedy: "write patterns from the root of the repository, without `..`",
  });
}
