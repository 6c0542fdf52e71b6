import { resolveEnvironment } from "../../config/environment.ts";
import type { Config } from "../../config/types.ts";
import { keyFile, makeKeyFile, ownRecipients } from "../../secrets/age/key-file.ts";
import { type AgePlace, openAgeFile, saveAgeFile } from "../../secrets/age/store.ts";
import { optionalArgument } from "../arguments.ts";
import type { Flags } from "../commands/table.ts";
import { type CommandContext, originOf } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { agePlacesOf } from "./age-places.ts";
import { namedRecipients } from "./recipients.ts";
import type { SecretsWorld } from "./world.ts";

/** `shiplock secrets init [ENV]`: this user's key, and the age files that the configuration names. What is there stays as it is. */
export async function init(
  context: CommandContext,
  config: Config,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
  world: SecretsWorld,
): Promise<number> {
  const { output, env } = context;
  const named = optionalArgument(args, 1);
  const environment = named === null ? null : resolveEnvironment(config, named).name;
  const others = await namedRecipients(flags);
  const made = await makeKeyFile(env, world.now());
  const own = await ownRecipients(env);
  output.line(
    made === null
      ? `the age key of this machine is there already: ${own.join(", ")}`
      : `${output.paint.green("made")} an age key: ${keyFile(env)} (keep a copy in a safe place; it never belongs into a repository)`,
  );
  if (made !== null) output.line(`  its public half is ${made.recipient}`);
  const { who } = originOf(context, null);
  const recipients = {
    ...Object.fromEntries(own.map((key, at) => [at === 0 ? who : `${who}-${at + 1}`, key])),
    ...others,
  };
  const places = agePlacesOf(config, environment);
  const files = [];
  for (const place of places) files.push({ file: place.written, ...(await initFile(context, place, recipients, own)) });
  if (places.length === 0) sayHow(context, config, environment);
  output.result({ recipient: own[0] ?? null, key: keyFile(env), made: made !== null, files });
  return exitCodes.done;
}

async function initFile(
  { output }: CommandContext,
  place: AgePlace,
  recipients: Readonly<Record<string, string>>,
  own: readonly string[],
): Promise<{ made: boolean; readable: boolean }> {
  const opened = await openAgeFile(place);
  if (opened === null) {
    await saveAgeFile(place, { recipients, secrets: {} }, null);
    output.line(
      `${output.paint.green("made")} ${place.written}, for ${Object.keys(recipients).join(", ")}; \`shiplock secrets set ENV NAME\` fills it`,
    );
    return { made: true, readable: true };
  }
  const readable = own.some((key) => Object.values(opened.document.recipients).includes(key));
  output.line(
    readable
      ? `${place.written} is there already, and this key can read it`
      : `${place.written} is there already, and this key cannot read it: somebody who can has to run \`shiplock secrets rotate --recipient ${Object.keys(recipients)[0] ?? "name"}=${own[0] ?? "age1…"}\``,
  );
  return { made: false, readable };
}

function sayHow({ output }: CommandContext, config: Config, environment: string | null): void {
  const name = environment ?? Object.keys(config.environments).at(-1) ?? "production";
  output.line(`no age file is named in ${config.file}; under environments.${name} write, for example:`);
  output.line("  secrets:");
  output.line("    names: [DATABASE_URL]");
  output.line(`    providers: [{ age: secrets/${name}.age }]`);
  output.line(`and run \`shiplock secrets init ${name}\` again`);
}
