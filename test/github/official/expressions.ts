import { data, Evaluator, Lexer, Parser } from "@actions/expressions";
import type { Json } from "../../../src/json.ts";
import type { Expression, Tree } from "./parser.ts";

/** What expressions may name: `github`, `needs`, `matrix`, … */
export type Contexts = Readonly<Record<string, Json>>;

/** Functions beyond those of the language: `success`, `failure`, `always`, `cancelled`, `hashFiles`. */
export type Functions = Readonly<Record<string, (...given: string[]) => boolean | string>>;

/** Evaluates with GitHub's own evaluator, for one job or step. */
export type Evaluation = {
  /** The value of a tree, every expression in it evaluated. */
  value(tree: Tree): Json;
  /** As a text, as GitHub makes one of each value: `null` is empty, `true` is "true". */
  text(tree: Tree): string;
  /** A mapping of texts, such as `env` and `with`. */
  texts(tree: Tree | undefined): Record<string, string>;
  /** Whether a condition holds. */
  holds(condition: string): boolean;
};

export function createEvaluation(contexts: Contexts, functions: Functions = {}): Evaluation {
  const values = new data.Dictionary(
    ...Object.entries(contexts).map(([key, value]) => ({ key, value: dataOf(value) })),
  );
  const names = Object.keys(functions).map((name) => ({ name, minArgs: 0, maxArgs: 255 }));
  const calls = new Map(
    names.map((info) => [
      info.name.toLowerCase(),
      {
        ...info,
        call: (...given: data.ExpressionData[]) =>
          dataOf(functions[info.name]?.(...given.map((each) => each.coerceString())) ?? null),
      },
    ]),
  );

  function evaluated(expression: string): data.ExpressionData {
    return new Evaluator(
      new Parser(tokensOf(expression), Object.keys(contexts), names).parse(),
      values,
      calls,
    ).evaluate();
  }

  function value(tree: Tree): Json {
    if (isExpression(tree)) return jsonOf(evaluated(tree.expression));
    if (tree instanceof Map) return Object.fromEntries(Array.from(tree, ([key, inner]) => [key, value(inner)]));
    if (Array.isArray(tree)) return tree.map(value);
    return tree as Json;
  }

  function text(tree: Tree): string {
    return (isExpression(tree) ? evaluated(tree.expression) : dataOf(value(tree))).coerceString();
  }

  return {
    value,
    text,
    texts: (tree) => {
      if (tree === undefined || tree === null) return {};
      if (tree instanceof Map) return Object.fromEntries(Array.from(tree, ([key, inner]) => [key, text(inner)]));
      const whole = value(tree);
      if (typeof whole !== "object" || whole === null) throw new Error(`${String(whole)} is no mapping`);
      return Object.fromEntries(Object.entries(whole).map(([key, inner]) => [key, dataOf(inner).coerceString()]));
    },
    holds: (condition) => {
      const result = jsonOf(evaluated(condition));
      return result !== false && result !== null && result !== "" && result !== 0;
    },
  };
}

type Tokens = ReturnType<Lexer["lex"]>["tokens"];

/** The lexer of version 0.3.61 takes the doubling of quotes back once per text; GitHub does so everywhere. */
function tokensOf(expression: string): Tokens {
  return new Lexer(expression).lex().tokens.map((token) => {
    if (typeof token.value !== "string" || !token.lexeme.startsWith("'")) return token;
    return { ...token, value: token.lexeme.slice(1, -1).replaceAll("''", "'") };
  });
}

function isExpression(tree: Tree): tree is Expression {
  return typeof tree === "object" && tree !== null && "expression" in tree;
}

function dataOf(value: Json): data.ExpressionData {
  return JSON.parse(JSON.stringify(value), data.reviver) as data.ExpressionData;
}

function jsonOf(value: data.ExpressionData): Json {
  return JSON.parse(JSON.stringify(value, data.replacer)) as Json;
}
