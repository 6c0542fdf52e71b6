import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import formats from "ajv-formats";
import { type Into, jsonSchema } from "./json-schema.ts";
import { type Operation, type Parameter, readSlice, type Schema } from "./slice.ts";

/** What GitHub says of its own API and webhooks, as questions. Every answer is the list of problems; none: it fits. */
export type Description = {
  /** The routes that are described: `GET /repos/{owner}/{repo}`. */
  readonly routes: readonly string[];
  /** The problems of a query, and the query with its values as numbers and booleans. */
  readonly query: (
    route: string,
    query: Readonly<Record<string, unknown>>,
  ) => { problems: string[]; query: Record<string, unknown> };
  readonly path: (route: string, path: Readonly<Record<string, string>>) => string[];
  readonly body: (route: string, body: unknown) => string[];
  readonly answer: (route: string, status: number, body: unknown) => string[];
  readonly webhook: (event: string, body: unknown) => string[];
};

const closed: Into = { base: "closed", closed: true };
/** For refusals, to which GitHub adds more than its description says: `status`, and details in `errors`. */
const open: Into = { base: "open", closed: false };

/** Reads the slice that is checked in. Schemas are compiled when they are first asked for. */
export function readDescription(): Description {
  const slice = readSlice();
  const strict = validator({});
  const coercing = validator({ coerceTypes: true, useDefaults: true });
  const operations = new Map<string, Operation>();
  for (const [address, methods] of Object.entries(slice.paths))
    for (const [method, operation] of Object.entries(methods))
      operations.set(`${method.toUpperCase()} ${address}`, operation);
  const compiled = new Map<string, ValidateFunction>();
  return { routes: [...operations.keys()], query, path, body, answer, webhook };

  function query(route: string, given: Readonly<Record<string, unknown>>): ReturnType<Description["query"]> {
    const copy = { ...given };
    return { problems: parameters(route, "query", copy), query: copy };
  }

  function path(route: string, given: Readonly<Record<string, string>>): string[] {
    return parameters(route, "path", { ...given });
  }

  function parameters(route: string, place: "query" | "path", values: Record<string, unknown>): string[] {
    const validate = once(`${place} ${route}`, () => {
      const wanted = (operations.get(route)?.parameters ?? [])
        .map((one) => resolved(one) as Parameter)
        .filter((one) => one.in === place);
      return coercing.compile({
        type: "object",
        properties: Object.fromEntries(wanted.map(({ name, schema }) => [name, jsonSchema(schema, closed)])),
        required: wanted.filter(({ required }) => required).map(({ name }) => name),
        additionalProperties: false,
      });
    });
    return problemsOf(validate, values, place);
  }

  function body(route: string, given: unknown): string[] {
    const described = operations.get(route)?.requestBody;
    const schema = described?.content["application/json"]?.schema;
    if (schema === undefined) return given === undefined ? [] : ["body: there is none in this route"];
    if (given === undefined) return described?.required === true ? ["body: it is missing"] : [];
    return problems(`body ${route}`, schema, closed, given);
  }

  function answer(route: string, status: number, given: unknown): string[] {
    const described = operations.get(route)?.responses[String(status)];
    if (described === undefined && status < 300) return [`answer: ${status} is not described`];
    const content =
      described === undefined
        ? undefined
        : (resolved(described) as { content?: Record<string, { schema?: Schema }> }).content;
    const schema =
      content?.["application/json"]?.schema ??
      (status < 400 ? undefined : { $ref: "#/components/schemas/basic-error" });
    if (schema === undefined) return given === undefined ? [] : [`answer: ${status} has no body`];
    return problems(`answer ${status} ${route}`, schema, status < 400 ? closed : open, given);
  }

  function webhook(event: string, given: unknown): string[] {
    const schema = slice.webhooks[event];
    if (schema === undefined) return ["webhook: it is not described"];
    return problems(`webhook ${event}`, schema, closed, given);
  }

  /** @param name what is looked at, with `body`, `answer` or `webhook` first */
  function problems(name: string, schema: Schema, into: Into, value: unknown): string[] {
    const validate = once(name, () => strict.compile(jsonSchema(schema, into) as Schema));
    return problemsOf(validate, value, name.split(" ")[0] ?? "");
  }

  function once(name: string, compile: () => ValidateFunction): ValidateFunction {
    const known = compiled.get(name);
    if (known !== undefined) return known;
    const made = compile();
    compiled.set(name, made);
    return made;
  }

  function resolved(schema: unknown): unknown {
    const reference = (schema as { $ref?: string }).$ref;
    if (reference === undefined) return schema;
    return reference
      .slice(2)
      .split("/")
      .reduce<unknown>((tree, name) => (tree as Schema)[name], slice);
  }

  function validator(options: { coerceTypes?: boolean; useDefaults?: boolean }): Ajv {
    // Most schemas are asked once or twice in a test, so making them smaller takes longer than it saves.
    const code = { optimize: false };
    const ajv = new Ajv({ strict: false, allErrors: true, logger: false, validateSchema: false, code, ...options });
    formats.default(ajv);
    const { schemas = {} } = slice.components;
    for (const into of [closed, open])
      ajv.addSchema({ components: { schemas: jsonSchema(schemas, into, true) } }, into.base);
    return ajv;
  }
}

function problemsOf(validate: ValidateFunction, value: unknown, where: string): string[] {
  return validate(value) ? [] : (validate.errors ?? []).map((error) => told(error, where));
}

function told({ instancePath, message = "", params, keyword }: ErrorObject, where: string): string {
  const extra = keyword === "additionalProperties" ? ` (${String(params["additionalProperty"])})` : "";
  const allowed = keyword === "enum" ? ` (${JSON.stringify(params["allowedValues"])})` : "";
  return `${where}${instancePath.replaceAll("/", ".")}: ${message}${extra}${allowed}`;
}
