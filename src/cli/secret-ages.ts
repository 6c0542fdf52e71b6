import { systemClock } from "../clock.ts";
import type { Config, Environment } from "../config/types.ts";
import { messageOf } from "../errors.ts";
import type { SecretSource } from "../secrets/lookup.ts";
import { oldSecrets, oldSecretsText } from "../secrets/renewal.ts";
import { ownerOf, type SecretContext, sourcesOf } from "./secrets.ts";

/** What a source knows of a name without its value being needed: when it was set, and that it is there with an empty value, or that it cannot say. */
export type KnownSecret = { updatedAt: Date | null; trouble: string | null };

/** What a source has of these names. No value is read where a provider can list without. */
export async function knownIn(
  { provider }: SecretSource,
  names: readonly string[],
  context: SecretContext,
): Promise<ReadonlyMap<string, KnownSecret>> {
  if (provider.list !== undefined) {
    const listed = await provider.list(context.signal);
    return new Map([...listed].map(([name, { updatedAt }]) => [name, { updatedAt, trouble: null }]));
  }
  const answers = await provider.read(names, context.signal);
  const values = [...answers.values()].flatMap((answer) => (answer.kind === "value" ? [answer.value] : []));
  context.output.hide(values.filter((value) => value !== ""));
  return new Map(
    [...answers].map(([name, answer]): [string, KnownSecret] => {
      if (answer.kind === "unclear") return [name, { updatedAt: null, trouble: answer.said }];
      return [name, { updatedAt: answer.updatedAt, trouble: answer.value === "" ? "is empty" : null }];
    }),
  );
}

/**
 * One line about the secrets of an environment that should be renewed; null where none should, or where no age was demanded. Never fails: that the ages could not be had
 * is what the line says then.
 */
export async function oldSecretsLine(
  context: SecretContext,
  config: Config,
  environment: Environment,
): Promise<string | null> {
  const owner = ownerOf(config, environment.name);
  const { maxAgeMs } = owner.policy;
  if (maxAgeMs === undefined || environment.secrets.names.length === 0) return null;
  try {
    const ages = new Map<string, Date | null>();
    for (const source of sourcesOf(context, owner)) {
      const open = environment.secrets.names.filter((name) => !ages.has(name));
      if (open.length === 0) break;
      const known = await knownIn(source, open, context);
      for (const name of open) {
        const one = known.get(name);
        if (one !== undefined) ages.set(name, one.updatedAt);
      }
    }
    const old = oldSecrets(
      [...ages].map(([name, updatedAt]) => ({ name, updatedAt })),
      maxAgeMs,
      systemClock.now(),
    );
    if (old.length === 0) return null;
    return `${oldSecretsText(old, maxAgeMs)}; give ${old.length === 1 ? "it a new value" : "them new values"} where ${old.length === 1 ? "it comes" : "they come"} from (\`shiplock secrets list ${environment.name}\`), then deploy`;
  } catch (cause) {
    context.signal.throwIfAborted();
    return `the age of secrets is not known: ${messageOf(cause)}`;
  }
}

/** The line of `oldSecretsLine` as a warning, once in a command. */
export async function tellOldSecrets(context: SecretContext, config: Config, environment: Environment): Promise<void> {
  const line = await oldSecretsLine(context, config, environment);
  if (line === null || context.secrets?.warned.has(line) === true) return;
  context.secrets?.warned.add(line);
  context.output.note(`warning: ${line}`);
}
