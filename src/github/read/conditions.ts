import { conditionOf, type Token, tokensOf } from "./expressions.ts";

/** A text that is known, a truth value, or `null` for what only a run knows. */
type Known = string | boolean | null;

/** Deeper than anybody writes; the reader goes one call down for each. */
const DEEPEST = 50;

/**
 * Whether a condition can hold in a run of which some contexts are known: false only where it certainly does not. What is no expression can hold.
 * @param known the text of a context, in small letters; null for what is not known
 */
export function canHold(condition: string, known: (context: string) => string | null): boolean {
  const tokens = tokensOf(conditionOf(condition));
  if (tokens === null || tokens.length === 0) return true;
  const answer = judge(tokens, known);
  return answer === undefined || truthOf(answer) !== false;
}

/** What is known of a run that `workflow_run` has started. */
export function inWorkflowRun(context: string): string | null {
  if (context === "github.event_name") return "workflow_run";
  return /^(?:inputs|github\.event\.(?:inputs|schedule|release|pull_request|client_payload))(?:\.|$)/.test(context)
    ? ""
    : null;
}

/** Undefined for what is no expression. */
function judge(tokens: readonly Token[], known: (context: string) => string | null): Known | undefined {
  let at = 0;
  let broken = false;
  const take = (mark: string): boolean => {
    const token = tokens[at];
    if (token?.kind !== "mark" || token.text !== mark) return false;
    at += 1;
    return true;
  };
  const fail = (): null => {
    broken = true;
    return null;
  };

  function either(depth: number): Known {
    let left = both(depth);
    while (!broken && take("||")) {
      const right = both(depth);
      const truth = truthOf(left);
      left = truth === true ? left : truth === false ? right : truthOf(right) === true ? true : null;
    }
    return left;
  }

  function both(depth: number): Known {
    let left = compared(depth);
    while (!broken && take("&&")) {
      const right = compared(depth);
      const truth = truthOf(left);
      left = truth === false ? left : truth === true ? right : truthOf(right) === false ? false : null;
    }
    return left;
  }

  function compared(depth: number): Known {
    const left = one(depth);
    for (const mark of ["==", "!=", "<=", ">=", "<", ">"]) {
      if (!take(mark)) continue;
      const right = one(depth);
      if (typeof left !== "string" || typeof right !== "string" || !/^[=!]=$/.test(mark)) return null;
      return (left.toLowerCase() === right.toLowerCase()) === (mark === "==");
    }
    return left;
  }

  function one(depth: number): Known {
    if (depth > DEEPEST) return fail();
    if (take("!")) {
      const truth = truthOf(one(depth + 1));
      return truth === null ? null : !truth;
    }
    if (take("(")) {
      const inner = either(depth + 1);
      return take(")") ? inner : fail();
    }
    const token = tokens[at];
    at += 1;
    if (token === undefined || token.kind === "mark") return fail();
    if (token.kind === "text") return token.text.slice(1, -1).replaceAll("''", "'");
    if (token.kind === "number") return null;
    return named(token.text.toLowerCase(), depth);
  }

  function named(name: string, depth: number): Known {
    let path = name;
    if (take("(")) {
      while (!broken && !take(")")) {
        either(depth + 1);
        if (!take(",") && tokens[at]?.text !== ")") return fail();
      }
      path = "";
    }
    for (;;) {
      if (take(".")) {
        path += `.${tokens[at]?.text.toLowerCase() ?? ""}`;
        at += 1;
      } else if (take("[")) {
        const part = either(depth + 1);
        path += typeof part === "string" ? `.${part.toLowerCase()}` : ".*";
        if (!take("]")) return fail();
      } else if (broken || path === "true" || path === "false")
        return path === "true" || (path === "false" ? false : null);
      else return path.startsWith(".") || path === "" ? null : known(path);
    }
  }

  const answer = either(0);
  return broken || at < tokens.length ? undefined : answer;
}

function truthOf(value: Known): boolean | null {
  return typeof value === "string" ? value !== "" : value;
}
