import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { messageOf, ShiplockError } from "../errors.ts";
import { textFlag } from "./arguments.ts";
import type { Flags } from "./commands/table.ts";
import type { CommandContext } from "./context.ts";

/**
 * Writes a SARIF log to the file that `--sarif` names, where it does.
 * @param part names the error's code: `scan` or `workflows`
 * @throws ShiplockError `…/sarif-not-written`
 */
export async function writeSarifFile(
  { cwd, output }: CommandContext,
  flags: Flags,
  part: string,
  log: () => string,
): Promise<void> {
  const name = textFlag(flags, "sarif");
  if (name === null) return;
  const file = resolve(cwd, name);
  try {
    await writeFile(file, log());
  } catch (cause) {
    throw new ShiplockError({
      code: `${part}/sarif-not-written`,
      blame: "usage",
      message: `--sarif: ${messageOf(cause)}`,
      where: file,
      remedy: "name a file in a folder that is there and can be written to",
      cause,
    });
  }
  output.line(`  wrote ${file}`);
}
