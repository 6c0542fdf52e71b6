import { readFile, rm, writeFile } from "node:fs/promises";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isAlias, isMap, isNode, isScalar, type Node, parseDocument, stringify } from "yaml";
import { resolveEnvironment } from "../../config/environment.ts";
import type { Config } from "../../config/types.ts";
import { ShiplockError } from "../../errors.ts";
import { makeScratch } from "../../scratch.ts";
import type { AgeDocument } from "../../secrets/age/document.ts";
import { readIdentities } from "../../secrets/age/key-file.ts";
import { type AgePlace, saveAgeFile, valuesOf, withSecret } from "../../secrets/age/store.ts";
import { optionalArgument } from "../arguments.ts";
import type { Flags } from "../commands/table.ts";
import { type CommandContext, originOf } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { agePlaceOf, openPlace } from "./age-places.ts";
import type { SecretsWorld } from "./world.ts";

const heading = (place: AgePlace): string =>
  `# The secrets of ${place.written}, readable only while this editor is open.\n# One NAME: value each; a line that is taken out takes the secret away.\n`;

const secretName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** `shiplock secrets edit ENV`: the values of an age file in the user's editor. The file changes only when what was written can be read, and only where it differs. */
export async function edit(
  context: CommandContext,
  config: Config,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
  world: SecretsWorld,
): Promise<number> {
  const { output } = context;
  const environment = resolveEnvironment(config, optionalArgument(args, 1) ?? "").name;
  const place = agePlaceOf(config, environment, flags);
  const opened = await openPlace(place);
  const before = await valuesOf(opened.document, await readIdentities(context.env), place.written);
  output.hide([...before.values()]);
  const folder = await makeScratch("secrets", memoryFolder(context));
  // Who interrupts twice ends the command where it stands.
  const removeNow = (): void => rmSync(folder, { recursive: true, force: true });
  process.once("exit", removeNow);
  try {
    const file = join(folder, "secrets.yml");
    const values = before.size === 0 ? "" : stringify(Object.fromEntries(before), { lineWidth: 0 });
    await writeFile(file, `${heading(place)}${values}`, { mode: 0o600 });
    const after = await editedValues(context, file, world);
    output.hide([...after.values()]);
    const changed = changesBetween(before, after);
    if (changed.set.length + changed.removed.length === 0) throw nothingChanged(place);
    const document = await changedDocument(opened.document, after, changed, originOf(context, null).who, world.now());
    await saveAgeFile(place, document, opened.text);
    output.line(`${output.paint.green("changed")} ${place.written}: ${changesText(changed)}; commit the file`);
    output.result({ file: place.written, ...changed });
    return exitCodes.done;
  } finally {
    await rm(folder, { recursive: true, force: true });
    process.off("exit", removeNow);
  }
}

/** Where the values lie while they are edited: in memory, where the system has a folder for that. */
function memoryFolder({ env }: CommandContext): string | undefined {
  return [env["XDG_RUNTIME_DIR"] ?? "", "/dev/shm"].find((folder) => folder !== "" && existsSync(folder));
}

/** Until what was written can be read, or nobody wants to go on. */
async function editedValues(
  { signal, output }: CommandContext,
  file: string,
  world: SecretsWorld,
): Promise<ReadonlyMap<string, string>> {
  for (;;) {
    await world.edit(file);
    signal.throwIfAborted();
    const read = readValues(await readFile(file, "utf8"));
    if (!("problem" in read)) return read.values;
    const error = unreadable(read.problem);
    if (world.ask === null) throw error;
    output.note(error.message);
    if (!(await world.ask("Edit it again? Otherwise what you wrote is lost"))) throw error;
  }
}

/** Names and values, all taken as text. What is wrong is said without a value. */
function readValues(text: string): { values: ReadonlyMap<string, string> } | { problem: string } {
  const document = parseDocument(text, { schema: "failsafe", prettyErrors: false, uniqueKeys: true });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const line = text.slice(0, problem.pos[0]).split("\n").length;
    return { problem: `line ${line} is not YAML that can be read` };
  }
  if (document.contents === null) return { values: new Map() };
  if (!isMap(document.contents)) return { problem: "it has to be one NAME: value per line" };
  const cut = document.contents.items.find(({ value }) => isNode(value) && isCut(value, text));
  if (cut !== undefined) {
    const line = text.slice(0, isNode(cut.key) ? (cut.key.range?.[0] ?? 0) : 0).split("\n").length;
    return {
      problem: `${nameIn(cut.key) ?? `line ${line}`} needs quotes: it has a character that YAML takes for its own`,
    };
  }
  const content = document.toJS({ maxAliasCount: 0 }) as Record<string, unknown>;
  for (const [at, [name, value]] of Object.entries(content).entries()) {
    // A value in the place of a name must not be quoted.
    if (!secretName.test(name)) return { problem: `entry ${at + 1} has no name of a secret` };
    if (typeof value !== "string" || value === "") return { problem: `${name} has no text as its value` };
  }
  return { values: new Map(Object.entries(content as Record<string, string>)) };
}

/** Whether YAML takes a part of what was typed for something else than the value: what begins with `*`, `&` or `!`, and what stands behind ` #`. */
function isCut(value: Node, text: string): boolean {
  if (isAlias(value) || value.tag !== undefined || ("anchor" in value && value.anchor !== undefined)) return true;
  if (!isScalar(value) || value.type !== "PLAIN") return false;
  const [rest = ""] = text.slice(value.range?.[1] ?? text.length).split("\n", 1);
  return rest.trim().startsWith("#");
}

function nameIn(key: unknown): string | null {
  const name = isScalar(key) && typeof key.value === "string" ? key.value : "";
  return secretName.test(name) ? name : null;
}

type Changes = { set: string[]; removed: string[] };

function changesBetween(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): Changes {
  return {
    set: [...after].filter(([name, value]) => before.get(name) !== value).map(([name]) => name),
    removed: [...before.keys()].filter((name) => !after.has(name)),
  };
}

function changesText({ set, removed }: Changes): string {
  return [
    ...(set.length === 0 ? [] : [`set ${set.join(", ")}`]),
    ...(removed.length === 0 ? [] : [`took away ${removed.join(", ")}`]),
  ].join("; ");
}

async function changedDocument(
  document: AgeDocument,
  values: ReadonlyMap<string, string>,
  { set, removed }: Changes,
  by: string,
  now: Date,
): Promise<AgeDocument> {
  const kept = Object.entries(document.secrets).filter(([name]) => !removed.includes(name));
  let result: AgeDocument = { ...document, secrets: Object.fromEntries(kept) };
  for (const name of set) result = await withSecret(result, name, values.get(name) ?? "", by, now);
  return result;
}

function nothingChanged(place: AgePlace): ShiplockError {
  return new ShiplockError({
    code: "secrets/nothing-changed",
    blame: "usage",
    message: `nothing was changed in ${place.written}`,
    remedy: "save the file in the editor; an editor that returns at once needs its option to wait (`code --wait`)",
  });
}

function unreadable(problem: string): ShiplockError {
  return new ShiplockError({
    code: "secrets/unreadable",
    blame: "usage",
    message: `what was written cannot be taken: ${problem}; the age file is as it was`,
    remedy: "run `shiplock secrets edit` again",
  });
}
