import { ShiplockError } from "../errors.ts";
import type { Level, SecretAnswer, SecretProvider } from "./provider.ts";

/** A provider, and the level that it was written at. */
export type SecretSource = { readonly level: Level; readonly provider: SecretProvider };

export type FoundSecret = { name: string; value: string; updatedAt: Date | null; source: SecretSource };

/** Why a name has no value: no source has it, the one that comes first has an empty value, or a source could not say. */
export type LackingSecret = {
  name: string;
  why:
    | { kind: "nowhere" }
    | { kind: "empty"; source: SecretSource }
    | { kind: "unclear"; source: SecretSource; said: string };
};

export type LookupResult = { found: ReadonlyMap<string, FoundSecret>; lacking: readonly LackingSecret[] };

/**
 * Looks names up in sources, the narrowest first: the first that has a name decides on it. A later source is asked only for what the earlier ones do not have, and an
 * empty value is not passed over, since somebody wrote it.
 * @param told is called with the names that a source gave values for
 * @throws what a provider throws that cannot answer at all
 */
export async function lookUp(
  names: readonly string[],
  sources: readonly SecretSource[],
  signal: AbortSignal,
  told: (source: SecretSource, names: readonly string[]) => void = () => undefined,
): Promise<LookupResult> {
  const found = new Map<string, FoundSecret>();
  const lacking: LackingSecret[] = [];
  let open = [...new Set(names)];
  for (const source of sources) {
    if (open.length === 0) break;
    const answers = await source.provider.read(open, signal);
    const given: string[] = [];
    for (const name of open) {
      const answer = answers.get(name);
      if (answer === undefined) continue;
      if (answer.kind === "unclear") lacking.push({ name, why: { kind: "unclear", source, said: answer.said } });
      else if (answer.value === "") lacking.push({ name, why: { kind: "empty", source } });
      else {
        found.set(name, { name, value: answer.value, updatedAt: answer.updatedAt, source });
        given.push(name);
      }
    }
    if (given.length > 0) told(source, given);
    open = open.filter((name) => !answers.has(name));
  }
  lacking.push(...open.map((name): LackingSecret => ({ name, why: { kind: "nowhere" } })));
  return { found, lacking: names.flatMap((name) => lacking.find((one) => one.name === name) ?? []) };
}

/** What somebody wanted and did not get, and where it was looked for. */
export type Want = {
  /** What wants it, for the message. */
  who: string;
  lacking: readonly LackingSecret[];
  sources: readonly SecretSource[];
};

/** Every secret that is missing or empty, of all that want some, in one error. */
export function missingSecrets(wants: readonly Want[]): ShiplockError {
  const unmet = wants.filter(({ lacking }) => lacking.length > 0);
  const one = unmet.flatMap(({ lacking }) => lacking).length === 1;
  return new ShiplockError({
    code: "secrets/missing",
    blame: "usage",
    message: unmet.map(wantText).join("; "),
    details: unmet.flatMap(({ lacking, sources }) =>
      lacking.map((entry) => `${entry.name}: ${whyText(entry, sources)}`),
    ),
    remedy: `${remedyText(
      unmet.flatMap(({ sources }) => sources),
      one,
    )}; nothing was touched`,
  });
}

function wantText({ who, lacking }: Want): string {
  const one = lacking.length === 1;
  const names = lacking.map(({ name }) => name).join(", ");
  return `${who} needs ${one ? "the secret" : "the secrets"} ${names}, and ${one ? "it is" : "they are"} missing or empty`;
}

function whyText({ why }: LackingSecret, sources: readonly SecretSource[]): string {
  if (why.kind === "empty") return `empty in the ${sourceText(why.source)}`;
  if (why.kind === "unclear") return `${sourceText(why.source)}: ${why.said}`;
  return `not in the ${sources.map(sourceText).join(", nor in the ")}`;
}

/** A source with its level, for people: `age file secrets/staging.age (of the environment)`. */
export function sourceText({ provider, level }: SecretSource): string {
  return level === "project" ? provider.name : `${provider.name} (of the ${level})`;
}

function remedyText(sources: readonly SecretSource[], one: boolean): string {
  const kinds = new Set(sources.map(({ provider }) => provider.kind));
  const it = one ? "it" : "them";
  const ways = [
    ...(kinds.has("env") ? [`set ${it} as environment ${one ? "variable" : "variables"} of the command`] : []),
    ...(kinds.has("age") ? [`put ${it} into the age file with \`shiplock secrets set\``] : []),
  ];
  return ways.length === 0 ? `put ${it} where ${one ? "it is" : "they are"} looked for` : ways.join(", or ");
}

/** A provider that asks another one once for each name, however often it is asked: one command reads each secret once. */
export function remembering(provider: SecretProvider): SecretProvider {
  const asked = new Map<string, Promise<ReadonlyMap<string, SecretAnswer>>>();
  const { list } = provider;
  return {
    kind: provider.kind,
    name: provider.name,
    read: async (names, signal) => {
      const fresh = names.filter((name) => !asked.has(name));
      if (fresh.length > 0) {
        const answers = provider.read(fresh, signal);
        for (const name of fresh) asked.set(name, answers);
      }
      const all = await Promise.all(names.map(async (name) => [name, (await asked.get(name))?.get(name)] as const));
      return new Map(all.flatMap(([name, answer]) => (answer === undefined ? [] : [[name, answer] as const])));
    },
    ...(list === undefined ? {} : { list: (signal) => list(signal) }),
  };
}
