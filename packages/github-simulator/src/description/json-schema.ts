import type { Schema } from "./slice.ts";

/** Keys below which there are schemas by name. */
const byName = new Set(["properties", "patternProperties", "schemas", "definitions"]);

/**
 * OpenAPI 3.0's kind of schema as JSON Schema: `nullable` becomes a type, and references stay within the document `base`.
 *
 * An object whose properties are listed is closed: what GitHub's description does not know shall not be sent by anybody. Descriptions
 * leave that open because they may grow.
 */
export function jsonSchema(schema: unknown, base: string, composed = false): unknown {
  if (Array.isArray(schema)) return schema.map((one) => jsonSchema(one, base, composed));
  if (typeof schema !== "object" || schema === null) return schema;
  const given = schema as Schema;
  const { nullable, ...rest } = given;
  const converted: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest)) converted[key] = inner(key, value, base);
  const isClosed =
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

function inner(key: string, value: unknown, base: string): unknown {
  if (key === "$ref" && typeof value === "string") return `${base}${value}`;
  if (key === "enum" || key === "required" || key === "default" || key === "const") return value;
  if (byName.has(key))
    return Object.fromEntries(
      Object.entries(value as Schema).map(([name, schema]) => [name, jsonSchema(schema, base)]),
    );
  return jsonSchema(value, base, key === "allOf");
}
