import { resolveEnvironment } from "../../config/environment.ts";
import type { Config } from "../../config/types.ts";
import { ShiplockError } from "../../errors.ts";
import { type AgePlace, saveAgeFile, withSecret } from "../../secrets/age/store.ts";
import { optionalArgument } from "../arguments.ts";
import type { Flags } from "../commands/table.ts";
import { type CommandContext, originOf } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { ownerOf, sourcesOf } from "../secrets.ts";
import { agePlaceOf, demandName, environmentsUsing, openPlace } from "./age-places.ts";
import type { SecretsWorld } from "./world.ts";

/** `shiplock secrets set ENV NAME`. */
export async function set(
  context: CommandContext,
  config: Config,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
  world: SecretsWorld,
): Promise<number> {
  const environment = resolveEnvironment(config, optionalArgument(args, 1) ?? "").name;
  const name = demandName(optionalArgument(args, 2));
  const place = agePlaceOf(config, environment, flags);
  const recipients = await setValue(context, config, environment, name, place, world, "new or old");
  const { output } = context;
  output.line(
    `${output.paint.green("set")} ${output.paint.bold(name)} in ${place.written}, for ${recipients.join(", ")}; commit the file`,
  );
  output.result({ name, file: place.written, recipients, environments: environmentsUsing(config, name, place) });
  return exitCodes.done;
}

/**
 * Takes a value and puts it into an age file. Needs no key: everybody may encrypt for the recipients.
 * @param existing whether the name has to be there already
 * @returns the names of the recipients
 */
export async function setValue(
  context: CommandContext,
  config: Config,
  environment: string,
  name: string,
  place: AgePlace,
  world: SecretsWorld,
  existing: "new or old" | "old",
): Promise<string[]> {
  const opened = await openPlace(place);
  if (existing === "old" && !Object.hasOwn(opened.document.secrets, name)) throw notThere(name, place, environment);
  const value = await world.readValue(`value of ${name} for ${environment} (not shown)`);
  if (value === "") throw emptyValue(name);
  context.output.hide([value]);
  const { who } = originOf(context, null);
  const document = await withSecret(opened.document, name, value, who, world.now());
  await saveAgeFile(place, document, opened.text);
  await warnOfShadow(context, config, environment, name, place);
  return Object.keys(document.recipients);
}

/** Says so where another provider comes first and has the name, since the new value would go unused. */
async function warnOfShadow(
  context: CommandContext,
  config: Config,
  environment: string,
  name: string,
  place: AgePlace,
): Promise<void> {
  const owner = ownerOf(config, environment);
  const at = owner.policy.sources.findIndex(({ provider }) => provider.kind === "age" && provider.file === place.file);
  for (const { provider } of sourcesOf(context, owner).slice(0, at)) {
    const there =
      provider.list === undefined ? await provider.read([name], context.signal) : await provider.list(context.signal);
    if (there.has(name))
      context.output.note(`warning: ${environment} takes ${name} from the ${provider.name}, which comes first`);
  }
}

function emptyValue(name: string): ShiplockError {
  return new ShiplockError({
    code: "secrets/empty",
    blame: "usage",
    message: `the value of ${name} is empty, and nothing was changed`,
    remedy: "type it, or give it on standard input: `shiplock secrets set production NAME < file`",
  });
}

function notThere(name: string, place: AgePlace, environment: string): ShiplockError {
  return new ShiplockError({
    code: "secrets/unknown",
    blame: "usage",
    message: `there is no ${name} in ${place.written} to rotate`,
    remedy: `\`shiplock secrets list ${environment}\` says where it comes from; \`shiplock secrets set ${environment} ${name}\` puts it there`,
  });
}
