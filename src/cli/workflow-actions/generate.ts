import { ShiplockError } from "../../errors.ts";
import type { Flags } from "../commands/table.ts";
import type { CommandContext } from "../context.ts";

/** Writes the workflows that the configuration means, or compares them with those that are there. */
export async function generate(_context: CommandContext, _flags: Flags): Promise<number> {
  throw new ShiplockError({ code: "workflows/not-built", message: "this is not built yet" });
}
