// Writes what follows from the schema: the JSON Schema, and the table of keys in the documentation. Run it after a change of the schema.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { jsonSchemaText, keyTable } from "./json-schema.ts";

const root = new URL("../../", import.meta.url);
const page = new URL("docs/configuration.md", root);

await mkdir(new URL("schema/", root), { recursive: true });
await writeFile(new URL("schema/shiplock.schema.json", root), jsonSchemaText());
const text = await readFile(page, "utf8");
await writeFile(
  page,
  text.replace(/(?<=<!-- keys -->\n)[^]*(?=\n<!-- \/keys -->)/, () => keyTable()),
);
