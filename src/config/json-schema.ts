import * as z from "zod";
import { schema } from "./schema.ts";
import { listKeys } from "./schema-keys.ts";

/** The JSON Schema (draft 2020-12) that editors read, as the text of `schema/shiplock.schema.json`. */
export function jsonSchemaText(): string {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io: "input",
    // A mark of ours that says which values errors must not show; it means nothing to an editor.
    override: ({ jsonSchema }) => {
      delete jsonSchema.secret;
    },
  });
  const head = {
    $schema,
    title: "Shiplock configuration",
    description: "shiplock.yml: what is built, what runs, and where.",
  };
  return `${JSON.stringify({ ...head, ...rest }, null, 2)}\n`;
}

/** The table of every key for `docs/configuration.md`, as Markdown. */
export function keyTable(): string {
  const rows = listKeys().map(({ path, required, description }) => {
    const cell = description.replaceAll("|", "\\|");
    return `| \`${path}\` | ${required ? "yes" : ""} | ${cell} |`;
  });
  return ["| key | required | meaning |", "|---|---|---|", ...rows].join("\n");
}
