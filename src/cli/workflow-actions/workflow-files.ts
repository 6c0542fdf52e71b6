import { readFile, readdir } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { messageOf, ShiplockError } from "../../errors.ts";
import type { CommandContext } from "../context.ts";

/** More than any repository has, and fewer than a folder that somebody named by mistake. */
const MOST_FILES = 1_000;

/**
 * The texts of workflows and composite actions, by the paths that findings name: those of the project, or those that are given.
 * @throws ShiplockError `workflows/none` without any, `workflows/not-read` for one that cannot be read, `workflows/too-many`
 */
export async function readWorkflowFiles(
  context: CommandContext,
  given: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const { cwd } = context;
  const files = given.length > 0 ? given.map((file) => shown(cwd, resolve(cwd, file))) : await filesOfProject(cwd);
  if (files.length === 0)
    throw new ShiplockError({
      code: "workflows/none",
      blame: "usage",
      message: "there are no workflows in .github/workflows and no actions in .github/actions",
      where: cwd,
      remedy: "name the files, or work in the repository's folder (`--project`)",
    });
  const texts = await Promise.all([...new Set(files)].map(async (file) => [file, await textOf(cwd, file)] as const));
  return Object.fromEntries(texts);
}

async function filesOfProject(cwd: string): Promise<readonly string[]> {
  const workflows = (await namesIn(cwd, ".github/workflows", false)).filter((name) => /\.ya?ml$/.test(name));
  const actions = (await namesIn(cwd, ".github/actions", true)).filter((name) => /(?:^|\/)action\.ya?ml$/.test(name));
  const found = [
    ...workflows.map((name) => `.github/workflows/${name}`),
    ...actions.map((name) => `.github/actions/${name}`),
  ];
  if (found.length > MOST_FILES)
    throw new ShiplockError({
      code: "workflows/too-many",
      blame: "usage",
      message: `there are ${found.length} workflows and actions, more than ${MOST_FILES}`,
      where: cwd,
      remedy: "name the files that deploy",
    });
  return found.sort();
}

/** Names of files below a folder; none where there is no such folder. */
async function namesIn(cwd: string, folder: string, recursive: boolean): Promise<readonly string[]> {
  const path = join(cwd, folder);
  try {
    const entries = await readdir(path, { withFileTypes: true, recursive });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(path, join(entry.parentPath, entry.name)).split(sep).join("/"));
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR")) return [];
    throw notRead(folder, cause);
  }
}

async function textOf(cwd: string, file: string): Promise<string> {
  try {
    return await readFile(resolve(cwd, file), "utf8");
  } catch (cause) {
    throw notRead(file, cause);
  }
}

function notRead(file: string, cause: unknown): ShiplockError {
  return new ShiplockError({
    code: "workflows/not-read",
    blame: "usage",
    message: `the workflow cannot be read: ${messageOf(cause)}`,
    where: file,
    remedy: "name a file that is there and may be read",
    cause,
  });
}

/** A path as a person would write it: from the folder of the project, as long as it lies there. */
function shown(cwd: string, file: string): string {
  const path = relative(cwd, file);
  return path.startsWith("..") || isAbsolute(path) ? file : path.split(sep).join("/");
}
