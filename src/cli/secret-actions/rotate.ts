import { resolveEnvironment } from "../../config/environment.ts";
import type { Config } from "../../config/types.ts";
import { ShiplockError } from "../../errors.ts";
import { readIdentities } from "../../secrets/age/key-file.ts";
import { encryptedAnew, saveAgeFile } from "../../secrets/age/store.ts";
import { optionalArgument } from "../arguments.ts";
import type { Flags } from "../commands/table.ts";
import type { CommandContext } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import {
  agePlaceOf,
  agePlacesOf,
  demandName,
  environmentsUsing,
  environmentsWithHooksUsing,
  openPlace,
} from "./age-places.ts";
import { namedRecipients } from "./recipients.ts";
import { setValue } from "./set.ts";
import type { SecretsWorld } from "./world.ts";

/** `shiplock secrets rotate [ENV] [NAME]`: a new value for one secret, or, without a name, everything encrypted anew for the present recipients. */
export async function rotate(
  context: CommandContext,
  config: Config,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
  world: SecretsWorld,
): Promise<number> {
  const environment = optionalArgument(args, 1);
  const name = optionalArgument(args, 2);
  return environment === null || name === null
    ? rotateRecipients(context, config, environment, flags)
    : rotateValue(context, config, environment, demandName(name), flags, world);
}

async function rotateValue(
  context: CommandContext,
  config: Config,
  named: string,
  name: string,
  flags: Flags,
  world: SecretsWorld,
): Promise<number> {
  const { output } = context;
  const environment = resolveEnvironment(config, named).name;
  const place = agePlaceOf(config, environment, flags);
  await setValue(context, config, environment, name, place, world, "old");
  const environments = environmentsUsing(config, name, place);
  output.line(`${output.paint.green("rotated")} ${output.paint.bold(name)} in ${place.written}; commit the file`);
  const ofHooks = environmentsWithHooksUsing(config, name, place);
  if (environments.length + ofHooks.length === 0) output.line("no environment uses it");
  for (const one of ofHooks) output.line(`the hooks of ${one} get the new value from the next deployment on`);
  for (const one of environments)
    output.line(
      `${one} has the old value until \`shiplock deploy ${one} --release <the one that is live>\` starts its containers anew (\`shiplock status ${one}\` names it)`,
    );
  output.result({ name, file: place.written, environments });
  return exitCodes.done;
}

async function rotateRecipients(
  context: CommandContext,
  config: Config,
  environment: string | null,
  flags: Flags,
): Promise<number> {
  const { output } = context;
  const places = agePlacesOf(config, environment);
  if (places.length === 0) throw noFiles(config);
  const added = await namedRecipients(flags);
  const identities = await readIdentities(context.env);
  const files = [];
  for (const place of places) {
    const { document, text } = await openPlace(place);
    const recipients = { ...document.recipients, ...added };
    const anew = await encryptedAnew({ ...document, recipients }, identities, place.written);
    await saveAgeFile(place, anew, text);
    const names = Object.keys(recipients);
    files.push({ file: place.written, secrets: Object.keys(anew.secrets), recipients: names });
    output.line(`${output.paint.green("encrypted anew")} ${place.written}, for ${names.join(", ")}; commit the file`);
  }
  output.line(
    "whoever was a recipient before still knows the values of then: give those new ones, one by one, that must not stay known",
  );
  output.result({ files });
  return exitCodes.done;
}

function noFiles(config: Config): ShiplockError {
  return new ShiplockError({
    code: "secrets/no-age-file",
    blame: "usage",
    message: "the configuration names no age file",
    where: { file: config.file },
    remedy: "`shiplock secrets init` says how to have one; values elsewhere are rotated where they lie",
  });
}
