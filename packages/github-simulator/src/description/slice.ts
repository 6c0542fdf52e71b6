import { readFileSync } from "node:fs";

export type Schema = { readonly [key: string]: unknown };
export type Parameter = {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly schema: Schema;
};
export type Operation = {
  readonly parameters?: readonly Schema[];
  readonly requestBody?: {
    readonly required?: boolean;
    readonly content: Readonly<Record<string, { schema?: Schema }>>;
  };
  readonly responses: Readonly<Record<string, Schema>>;
};
/** The part of GitHub's OpenAPI description that is checked in: see scripts/slice.ts. */
export type Slice = {
  readonly origin: { readonly package: string; readonly version: string; readonly license: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  /** By event: `pull_request.opened`. */
  readonly webhooks: Readonly<Record<string, Schema>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, Schema>>>>;
};
export function readSlice(): Slice {
  return JSON.parse(readFileSync(new URL("../../openapi/github.json", import.meta.url), "utf8")) as Slice;
}
