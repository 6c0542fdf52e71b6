import type { Config, SecretPolicy } from "../config/types.ts";
import { messageOf } from "../errors.ts";
import {
  type FoundSecret,
  lookUp,
  missingSecrets,
  remembering,
  type SecretSource,
  sourceText,
} from "../secrets/lookup.ts";
import { providerOf } from "../secrets/providers/table.ts";
import type { CommandContext } from "./context.ts";
import type { Output } from "./output.ts";

/** What looking secrets up needs of a command. */
export type SecretContext = Pick<CommandContext, "env" | "signal" | "secrets"> & {
  output: Pick<Output, "hide" | "note">;
};

/** Whose secrets: an environment's, or those that belong to the whole project. */
export type SecretOwner = { environment: string | null; policy: SecretPolicy };

/** The secrets of an environment, or, for null, of what belongs to none: checks, images that every environment shares, the registry. */
export function ownerOf(config: Config, environment: string | null): SecretOwner {
  const found = environment === null ? undefined : config.environments[environment];
  return { environment, policy: found?.secrets ?? config.secrets };
}

/** Where an owner's secrets are looked for, in order. */
export function sourcesOf(context: SecretContext, { policy }: SecretOwner): SecretSource[] {
  return policy.sources.map(({ level, provider }) => {
    const key = JSON.stringify(provider);
    const known = context.secrets?.providers.get(key);
    const made = known ?? remembering(providerOf(provider, context.env));
    context.secrets?.providers.set(key, made);
    return { level, provider: made };
  });
}

/**
 * Values of secrets, all of which have to be there. They are masked in everything that is said from now on.
 * @param who what wants them, for the message
 * @throws ShiplockError `secrets/missing`, naming all of them at once; and what a provider throws that cannot answer
 */
export async function demandSecrets(
  context: SecretContext,
  owner: SecretOwner,
  names: readonly string[],
  who: string,
): Promise<Record<string, string>> {
  const [values = {}] = await demandTogether(context, [{ owner, names, who }]);
  return values;
}

/** As `demandSecrets`, for several that want some: what is missing of any of them is told in one error. Answers in their order. */
export async function demandTogether(
  context: SecretContext,
  demands: readonly { owner: SecretOwner; names: readonly string[]; who: string }[],
): Promise<Record<string, string>[]> {
  const looked = await Promise.all(
    demands.map(async ({ owner, names, who }) => {
      const sources = sourcesOf(context, owner);
      return { who, names, sources, ...(await look(context, owner, names, sources)) };
    }),
  );
  if (looked.some(({ lacking }) => lacking.length > 0)) throw missingSecrets(looked);
  return looked.map(({ names, found }) =>
    Object.fromEntries(names.map((name) => [name, found.get(name)?.value ?? ""])),
  );
}

/**
 * Those of the secrets that can be had, for who can go on without them. A provider that fails, or that cannot say of one of them, is told as a warning, once in a command.
 * @param without what is lacking then, for the warning
 */
export async function attemptSecrets(
  context: SecretContext,
  owner: SecretOwner,
  names: readonly string[],
  without: string,
): Promise<ReadonlyMap<string, FoundSecret>> {
  try {
    const { found, lacking } = await look(context, owner, names, sourcesOf(context, owner));
    for (const { name, why } of lacking)
      if (why.kind === "unclear") warnOnce(context, `${name}: ${sourceText(why.source)}: ${why.said}`, without);
    return found;
  } catch (cause) {
    context.signal.throwIfAborted();
    warnOnce(context, messageOf(cause), without);
    return new Map();
  }
}

function warnOnce({ secrets, output }: SecretContext, said: string, without: string): void {
  if (secrets?.warned.has(said) !== true) output.note(`warning: ${said}; ${without}`);
  secrets?.warned.add(said);
}

async function look(
  context: SecretContext,
  { environment }: SecretOwner,
  names: readonly string[],
  sources: readonly SecretSource[],
): ReturnType<typeof lookUp> {
  const result = await lookUp(names, sources, context.signal, ({ provider }, read) =>
    context.secrets?.reads.push({ names: read, provider: provider.name, environment }),
  );
  context.output.hide([...result.found.values()].map(({ value }) => value));
  return result;
}
