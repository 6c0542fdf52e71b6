import type { Schema } from "./slice.ts";

/** Keys below which there are schemas by name. */
const byName = new Set(["properties", "patternProperties", "schemas", "definitions"]);

/** Within which document references are, and whether objects are closed. */
export type Into = { readonly base: string; readonly closed: boolean };

/**
 * OpenAPI 3.0's kind of schema as JSON Schema: `nullable` becomes a type, and references stay within the document `into.base`.
 *
 * Closed, an object whose properties are listed has no others: what GitHub's description does not know shall not be sent by anybody.
 * Descriptions leave that open because they may grow.
 */
export function jsonSchema(schema: unknown, into: Into, composed = false): unknown {
  if (Array.isArray(schema)) return schema.map((one) => jsonSchema(one, into, composed));
  if (typeof schema !== "object" || schema === null) return schema;
  const { nullable, ...rest } = schema as Schema;
  const converted: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest)) converted[key] = inner(key, value, into);
  const isClosed =
    into.closed &&
    converted["properties"] !== undefined &&
    converted["additionalProperties"] === undefined &&
    !composed &&
    !["allOf", "anyOf", "oneOf"].some((key) => key in converted);
  if (isClosed) converted["additionalProperties"] = false;
  // Of an address that was not given GitHub says "", which its description has as the default beside the format.
  const open = converted["format"] !== undefined && converted["default"] === "" ? [{ const: "" }] : [];
  const others = nullable === true ? [...open, { type: "null" }] : open;
  return others.length === 0 ? converted : { anyOf: [converted, ...others] };
}

function inner(key: string, value: unknown, into: Into): unknown {
  if (key === "$ref" && typeof value === "string") return `${into.base}${value}`;
  if (key === "enum" || key === "required" || key === "default" || key === "const") return value;
  if (byName.has(key))
    return Object.fromEntries(
      Object.entries(value as Schema).map(([name, schema]) => [name, jsonSchema(schema, into)]),
    );
  return jsonSchema(value, into, key === "allOf");
}
