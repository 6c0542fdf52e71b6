import { ShiplockError } from "../../errors.ts";
import type { Flags } from "../commands/table.ts";
import type { CommandContext } from "../context.ts";

/** To be built. */
export async function importWorkflows(
  _context: CommandContext,
  _files: readonly string[],
  _flags: Flags,
): Promise<number> {
  throw new ShiplockError({ code: "workflows/not-built", message: "this is not built yet" });
}
