import { resolve } from "node:path";
import { Command, CommanderError, Option } from "commander";
import { messageOf, ShiplockError } from "../errors.ts";
import { type CommandEntry, commandGroups, type Flags } from "./commands/table.ts";
import type { CommandContext, CommonOptions } from "./context.ts";
import { exitCodeOf, exitCodes, exitCodesText } from "./exit-codes.ts";
import { createOutput, type Listener, type Output, type Stream } from "./output.ts";
import { createGitHubMemory } from "./github-memory.ts";
import { createSecretMemory } from "./secret-memory.ts";
import { jsonModes, normalise, usageError } from "./usage.ts";

export type MainOptions = {
  argv: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  stdout: Stream;
  stderr: Stream;
  /** Aborted with the signal's name as reason. */
  signal: AbortSignal;
  version: string;
  /** Called when the command turns out to be one that changes something. */
  onChanging?: () => void;
  /** Hears as data what is said. It also tells people that they have interrupted the command. */
  listener?: Listener;
};

/** The command line. Returns the exit code; writes to the given streams alone. */
export async function main(options: MainOptions): Promise<number> {
  let exitCode: number = exitCodes.done;
  const program = new Command("shiplock")
    .description("One pipeline from git push to production.")
    .version(options.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => options.stdout.write(text),
      writeErr: (text) => options.stderr.write(text),
      // What is wrong with the command line is told below, like every other error.
      outputError: () => undefined,
    })
    .showSuggestionAfterError(true)
    .addHelpText("after", `\n${exitCodesText}`);
  for (const { heading, commands } of commandGroups) {
    program.commandsGroup(`${heading}:`);
    for (const entry of commands)
      addCommand(
        program,
        entry,
        async (context, args, flags) => {
          if (entry.changes === true) {
            if (options.listener === undefined) tellOnInterrupt(options);
            options.onChanging?.();
          }
          exitCode = await runCommand(entry, context, args, flags);
        },
        options,
      );
  }
  const argv = normalise(options.argv);
  try {
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return exitCodes.done;
    const told = usageError(error, argv);
    if (told !== null)
      outputOf(
        jsonModes.find((mode) => argv.includes(`--json=${mode}`)),
        options,
      ).error(told);
    return exitCodes.usage;
  }
}

type Action = (
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
) => Promise<void>;

function addCommand(program: Command, entry: CommandEntry, action: Action, options: MainOptions): void {
  const command = program.command(entry.name).description(entry.summary).exitOverride();
  for (const argument of entry.arguments) {
    const name = `${argument.name}${argument.variadic === true ? "..." : ""}`;
    command.argument(argument.required ? `<${name}>` : `[${name}]`, argument.description);
  }
  for (const flag of entry.flags) {
    const option = new Option(flag.flags, flag.description).conflicts([...(flag.conflicts ?? [])]);
    command.addOption(flag.repeatable === true ? option.argParser(collect) : option);
  }
  command
    .addOption(
      new Option("--json [mode]", "one JSON document, or one event per line with --json=stream").choices(jsonModes),
    )
    .option("--config <file>", "configuration file; otherwise shiplock.yml here or above")
    .option("--project <folder>", "folder of the project instead of this one")
    .addHelpText("after", `\nExamples:\n${entry.examples.map((example) => `  ${example}`).join("\n")}`)
    .action(async (...given: unknown[]) => {
      const flags = command.opts<Flags & CommonOptions>();
      const args = given.slice(0, entry.arguments.length) as (string | string[] | undefined)[];
      const output = outputOf(flags.json, options);
      const common: CommonOptions = {
        ...(flags.config === undefined ? {} : { config: flags.config }),
        ...(flags.project === undefined ? {} : { project: flags.project }),
      };
      const context: CommandContext = {
        options: common,
        cwd: resolve(options.cwd, flags.project ?? ""),
        env: options.env,
        output,
        signal: options.signal,
        commandLine: ["shiplock", ...options.argv].join(" "),
        secrets: createSecretMemory(),
        github: createGitHubMemory(),
      };
      await action(context, args, flags);
    });
}

function outputOf(json: CommonOptions["json"], { stdout, stderr, env, listener }: MainOptions): Output {
  return createOutput({ json, stdout, stderr, environment: env, ...(listener === undefined ? {} : { listener }) });
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

/** Said at once, since ending well takes a while: before the commit point it goes back, after it forward. */
function tellOnInterrupt({ signal, stderr }: MainOptions): void {
  signal.addEventListener("abort", () => {
    stderr.write(
      "\ninterrupted: ending in a safe state; press Ctrl-C again to stop at once, and run `shiplock resume` or `shiplock abort` later where a deployment was going on\n",
    );
  });
}

async function runCommand(
  entry: CommandEntry,
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  try {
    const { run } = await entry.load();
    return await run(context, args, flags);
  } catch (error) {
    return tellError(error, context.output, context.signal);
  }
}

function tellError(error: unknown, output: Output, signal: AbortSignal): number {
  if (signal.aborted) {
    output.error(
      new ShiplockError({
        code: "cli/interrupted",
        message: "interrupted before anything was changed",
        ...(error instanceof ShiplockError ? { details: [error.message] } : {}),
      }),
    );
    return signal.reason === "SIGTERM" ? exitCodes.terminated : exitCodes.interrupted;
  }
  if (error instanceof ShiplockError) {
    output.error(error);
    return exitCodeOf(error.blame);
  }
  output.error(
    new ShiplockError({
      code: "bug",
      blame: "bug",
      message: `this is a fault of Shiplock: ${messageOf(error)}`,
      remedy: "please report it with the lines below",
      details: error instanceof Error && error.stack !== undefined ? error.stack.split("\n").slice(1, 8) : [],
    }),
  );
  return exitCodes.failed;
}
