import * as z from "zod";
import { schema } from "./schema.ts";

/** One key of the schema as the documentation lists it: `images.<name>.context`, `environments.<name>.smoke[].get`. */
export type SchemaKey = { path: string; required: boolean; description: string };

/** The names that are valid directly below a key path of a configuration; empty where any name or none is. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  return schemasAt(path).flatMap((found) => (found instanceof z.ZodObject ? Object.keys(found.shape) : []));
}

/** Whether a value at this key path may turn out to be a secret that was written by mistake, and must not be shown. */
export function mayHoldSecret(path: readonly PropertyKey[]): boolean {
  return schemasAt(path).some((found) => {
    const names = found instanceof z.ZodArray ? found.element : found;
    return (names as z.ZodType).meta()?.secret === true;
  });
}

/** The schemas a value at this key path may fit, unions taken apart. */
export function schemasAt(path: readonly PropertyKey[]): readonly z.ZodType[] {
  let level = alternatives(schema);
  for (const key of path) level = level.flatMap((found) => alternatives(childOf(found, key)));
  return level;
}

/** The keys of which exactly one has to be given in a mapping of this schema. */
export function exclusiveKeys(found: z.ZodType): readonly string[] | undefined {
  const choices = found.meta()?.oneOf as readonly { required: readonly string[] }[] | undefined;
  return choices?.flatMap((choice) => choice.required);
}

/** Every key of the schema, in the order it is written there. */
export function listKeys(): readonly SchemaKey[] {
  return [...keysBelow(schema, "")];
}

function* keysBelow(parent: z.ZodType, prefix: string): Generator<SchemaKey> {
  for (const found of alternatives(parent)) {
    if (found instanceof z.ZodArray) yield* keysBelow(found.element as z.ZodType, `${prefix}[]`);
    if (found instanceof z.ZodRecord) yield* keysBelow(found.valueType as z.ZodType, `${prefix}.<name>`);
    if (!(found instanceof z.ZodObject)) continue;
    for (const [key, child] of Object.entries(found.shape)) {
      const path = prefix === "" ? key : `${prefix}.${key}`;
      yield { path, required: !(child instanceof z.ZodOptional), description: child.description ?? "" };
      yield* keysBelow(child, path);
    }
  }
}

function childOf(parent: z.ZodType, key: PropertyKey): z.ZodType | undefined {
  if (parent instanceof z.ZodArray && typeof key === "number") return parent.element as z.ZodType;
  if (parent instanceof z.ZodRecord) return parent.valueType as z.ZodType;
  if (!(parent instanceof z.ZodObject) || !Object.hasOwn(parent.shape, key)) return undefined;
  return parent.shape[String(key)] as z.ZodType;
}

function alternatives(found: z.ZodType | undefined): readonly z.ZodType[] {
  if (found === undefined) return [];
  if (found instanceof z.ZodOptional) return alternatives(found.unwrap() as z.ZodType);
  if (found instanceof z.ZodUnion) return (found.options as z.ZodType[]).flatMap(alternatives);
  return [found];
}
