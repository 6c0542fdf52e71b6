import { dirname, join, resolve } from "node:path";
import { ShiplockError } from "../errors.ts";
import { oneOf, plain } from "./display.ts";

/** Reads a text file. A file that is not there is told by an error whose `code` is `ENOENT`. */
export type ReadFile = (path: string) => Promise<string>;

export const FILE_NAMES = ["shiplock.yml", "shiplock.yaml", "shiplock.config.ts"] as const;

/**
 * The configuration file: the given one, or the one in `cwd` or the nearest folder above it, up to the folder that holds `.git`. Answers its
 * absolute path and its text.
 *
 * Errors: `config/not-found`, `config/ambiguous` (two in one folder), `config/unreadable`.
 */
export async function findConfig(
  path: string | undefined,
  cwd: string,
  readFile: ReadFile,
): Promise<{ path: string; text: string }> {
  if (path !== undefined) {
    const wanted = resolve(cwd, path);
    const text = await readIfThere(wanted, readFile);
    if (text === undefined) throw notFound(`There is no file ${plain(wanted)}.`);
    return { path: wanted, text };
  }
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const found = await findIn(folder, readFile);
    if (found !== undefined) return found;
    if (folder === dirname(folder) || (await exists(join(folder, ".git"), readFile))) {
      throw notFound(
        `There is no ${oneOf(FILE_NAMES)} in ${plain(resolve(cwd))}, nor in a folder above it up to ${plain(folder)}.`,
      );
    }
  }
}

/**
 * The compose files of a configuration, absolute, in their order; when it names none, the first that exists of the names Compose knows.
 * Errors: `config/compose-not-found`.
 */
export async function resolveComposeFiles(
  config: { readonly compose: readonly string[] | undefined; readonly folder: string },
  readFile: ReadFile,
): Promise<readonly string[]> {
  const usual = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
  const candidates = (config.compose ?? usual).map((file) => resolve(config.folder, file));
  const there = await Promise.all(candidates.map((file) => exists(file, readFile)));
  const found = candidates.filter((_, index) => there[index]);
  const missing = candidates.find((_, index) => !there[index]);
  if (config.compose !== undefined && missing === undefined) return found;
  if (config.compose === undefined && found[0] !== undefined) return [found[0]];
  throw new ShiplockError({
    code: "config/compose-not-found",
    blame: "usage",
    message:
      config.compose === undefined
        ? `There is no compose file in ${plain(config.folder)}: looked for ${oneOf(usual)}.`
        : `The compose file ${plain(missing ?? "")} does not exist.`,
    remedy: 'Name your compose file under the key "compose".',
  });
}

async function findIn(folder: string, readFile: ReadFile): Promise<{ path: string; text: string } | undefined> {
  const files = await Promise.all(
    FILE_NAMES.map(async (name) => ({
      path: join(folder, name),
      text: await readIfThere(join(folder, name), readFile),
    })),
  );
  const found = files.flatMap(({ path, text }) => (text === undefined ? [] : [{ path, text }]));
  if (found.length > 1) {
    throw new ShiplockError({
      code: "config/ambiguous",
      blame: "usage",
      message: `There are ${found.length} configurations: ${found.map((file) => plain(file.path)).join(" and ")}.`,
      remedy: "Keep one of them, or name the one you mean with --config.",
    });
  }
  return found[0];
}

function notFound(message: string): ShiplockError {
  return new ShiplockError({
    code: "config/not-found",
    blame: "usage",
    message,
    remedy: "Run `shiplock init`, which writes a shiplock.yml, or name yours with --config.",
  });
}

async function readIfThere(path: string, readFile: ReadFile): Promise<string | undefined> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw new ShiplockError({
      code: "config/unreadable",
      blame: "usage",
      message: `${plain(path)} cannot be read: ${plain(String(codeOf(cause) ?? cause))}.`,
      where: { file: path },
      remedy: "Check that it is a file and that you may read it.",
      cause,
    });
  }
}

// A folder answers with another error than "not there", and that is enough to know that it exists.
async function exists(path: string, readFile: ReadFile): Promise<boolean> {
  try {
    await readFile(path);
    return true;
  } catch (cause) {
    return !isMissing(cause);
  }
}

function isMissing(cause: unknown): boolean {
  return ["ENOENT", "ENOTDIR"].includes(String(codeOf(cause)));
}

function codeOf(cause: unknown): unknown {
  return typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
}
