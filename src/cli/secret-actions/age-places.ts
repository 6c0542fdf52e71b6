import { resolveEnvironment } from "../../config/environment.ts";
import { hookSecrets } from "../../config/secret-names.ts";
import type { Config, Environment, SecretPolicy } from "../../config/types.ts";
import { ShiplockError } from "../../errors.ts";
import { type AgePlace, type OpenedAgeFile, openAgeFile } from "../../secrets/age/store.ts";
import { textFlag } from "../arguments.ts";
import type { Flags } from "../commands/table.ts";

/** The age files that a policy looks into, the narrowest first. */
export function agePlaces({ sources }: SecretPolicy): AgePlace[] {
  return sources.flatMap(({ provider }) =>
    provider.kind === "age" ? [{ file: provider.file, written: provider.written }] : [],
  );
}

/** The age files of an environment, or, for null, of the whole configuration, each once. */
export function agePlacesOf(config: Config, environment: string | null): AgePlace[] {
  const policies =
    environment === null
      ? [...Object.values(config.environments).map(({ secrets }) => secrets), config.secrets]
      : [resolveEnvironment(config, environment).secrets];
  const places = policies.flatMap(agePlaces);
  return places.filter((place, at) => places.findIndex(({ file }) => file === place.file) === at);
}

/**
 * The age file that a command writes for an environment: the narrowest, or the one that `--file` names.
 * @throws ShiplockError `secrets/no-age-file`
 */
export function agePlaceOf(config: Config, environment: string, flags: Flags): AgePlace {
  const places = agePlacesOf(config, environment);
  const named = textFlag(flags, "file");
  const found = named === null ? places[0] : places.find(({ written }) => written === named);
  if (found !== undefined) return found;
  throw new ShiplockError({
    code: "secrets/no-age-file",
    blame: "usage",
    message:
      places.length === 0
        ? `${environment} has no age file to keep secrets in`
        : `${environment} has no age file ${JSON.stringify(named)}`,
    where: { file: config.file },
    remedy:
      places.length === 0
        ? `write \`providers: [{ age: secrets/${environment}.age }]\` under its secrets, then run \`shiplock secrets init ${environment}\`; or set them where its providers look`
        : `name one of ${places.map(({ written }) => written).join(", ")}`,
  });
}

/** @throws ShiplockError `secrets/age-file` where the file is not there yet */
export async function openPlace(place: AgePlace): Promise<OpenedAgeFile> {
  const opened = await openAgeFile(place);
  if (opened !== null) return opened;
  throw new ShiplockError({
    code: "secrets/age-file",
    blame: "usage",
    message: `${place.written} is not there yet`,
    remedy: "make it with `shiplock secrets init`",
  });
}

/** The environments that name a secret for their containers and look into this file. */
export function environmentsUsing(config: Config, name: string, place: AgePlace): string[] {
  return environmentsLookingInto(config, place, ({ secrets }) => secrets.names.includes(name));
}

/** As `environmentsUsing`, for the environments whose hooks name it. */
export function environmentsWithHooksUsing(config: Config, name: string, place: AgePlace): string[] {
  return environmentsLookingInto(config, place, (environment) => hookSecrets(environment).includes(name));
}

function environmentsLookingInto(
  config: Config,
  place: AgePlace,
  wants: (environment: Environment) => boolean,
): string[] {
  return Object.values(config.environments)
    .filter((one) => wants(one) && agePlaces(one.secrets).some(({ file }) => file === place.file))
    .map((environment) => environment.name);
}

/** @throws ShiplockError `secrets/bad-name` */
export function demandName(name: string | null): string {
  if (name !== null && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return name;
  throw new ShiplockError({
    code: "secrets/bad-name",
    blame: "usage",
    // What stands where a name should may be a value.
    message:
      name === null ? "the name of the secret is missing" : "the name of a secret is letters, digits and underscores",
    remedy:
      "write `shiplock secrets set production DATABASE_URL`; the value comes from standard input, never from the command line",
  });
}
