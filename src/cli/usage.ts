import type { CommanderError } from "commander";
import { ShiplockError } from "../errors.ts";
import { commands } from "./commands/table.ts";

/** What `--json` may be told; `--json` alone means `document`. */
export const jsonModes = ["document", "stream"] as const;

/** A command line in which `--json` alone takes nothing of what follows it: in `status --json staging`, `staging` is the environment. */
export function normalise(argv: readonly string[]): string[] {
  const end = argv.indexOf("--");
  return argv.map((text, at) => (text === "--json" && (end === -1 || at < end) ? "--json=document" : text));
}

/**
 * What is wrong with a command line, as an error like every other.
 * @param error what the command line library found
 * @returns null when it has shown the help instead
 */
export function usageError(error: CommanderError, argv: readonly string[]): ShiplockError | null {
  if (error.code === "commander.help") return null;
  const command = commands.find(({ name }) => name === argv[0]);
  const help = `shiplock ${command === undefined ? "" : `${command.name} `}--help`;
  return new ShiplockError({
    code: "cli/usage",
    blame: "usage",
    message: error.message.replace(/^error: /, "").replaceAll("\n", " "),
    remedy: `mend the command line; \`${help}\` says what it takes`,
  });
}
