import { resolveEnvironment } from "../../config/environment.ts";
import { notifySecrets } from "../../config/resolve-notify.ts";
import { hookSecrets } from "../../config/secret-names.ts";
import type { Config, Environment } from "../../config/types.ts";
import { sourceText } from "../../secrets/lookup.ts";
import { daysSince, oldSecrets } from "../../secrets/renewal.ts";
import { optionalArgument } from "../arguments.ts";
import type { CommandContext } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { knownIn } from "../secret-ages.ts";
import { ownerOf, sourcesOf } from "../secrets.ts";
import type { SecretsWorld } from "./world.ts";

/** What is known of a secret without its value. `state`: `unused` is there and nobody asks for it. */
type Row = {
  name: string;
  state: "set" | "old" | "missing" | "trouble" | "unused";
  from: string | null;
  updatedAt: string | null;
  days: number | null;
  trouble: string | null;
  /** Providers that have the name too and are not asked for it. */
  shadows: string[];
};

/** `shiplock secrets list [ENV]`: where each secret comes from and how old it is. Never a value. */
export async function list(
  context: CommandContext,
  config: Config,
  args: readonly (string | string[] | undefined)[],
  _flags: unknown,
  world: SecretsWorld,
): Promise<number> {
  const { output } = context;
  const named = optionalArgument(args, 1);
  const environments = named === null ? Object.keys(config.environments) : [resolveEnvironment(config, named).name];
  const shared = named === null ? sharedNames(config) : [];
  const results = [];
  for (const environment of [...environments, ...(shared.length === 0 ? [] : [null])]) {
    const names = environment === null ? shared : namesOf(resolveEnvironment(config, environment));
    const rows = await rowsOf(context, config, environment, names, world.now());
    results.push({ environment, secrets: rows });
    output.line(output.paint.bold(environment ?? "the project (checks, builds, the registry, who is told)"));
    const width = Math.max(0, ...rows.map(({ name }) => name.length));
    for (const row of rows) output.line(`  ${row.name.padEnd(width)}  ${rowText(row, output)}`);
    if (rows.length === 0) output.line(output.paint.dim("  needs no secrets"));
  }
  output.result(results);
  return exitCodes.done;
}

/** The secrets that belong to no environment. */
function sharedNames({ checks, images, notify, registry }: Config): string[] {
  const names = [
    ...Object.values(checks).flatMap(({ secrets }) => secrets),
    ...Object.values(images).flatMap(({ secrets }) => secrets),
    ...(registry?.login === undefined ? [] : [registry.login.passwordVariable]),
    ...notify.flatMap(notifySecrets),
  ];
  return [...new Set(names)];
}

/** The secrets of an environment's containers, and those of its hooks. */
function namesOf(environment: Environment): string[] {
  return [...new Set([...environment.secrets.names, ...hookSecrets(environment)])];
}

async function rowsOf(
  context: CommandContext,
  config: Config,
  environment: string | null,
  names: readonly string[],
  now: Date,
): Promise<Row[]> {
  const owner = ownerOf(config, environment);
  const sources = sourcesOf(context, owner);
  const known = await Promise.all(sources.map((source) => knownIn(source, names, context)));
  // What lies in the files of one environment belongs to it; what lies further out may be another's.
  const own = sources.flatMap(({ level }, at) => (level === "environment" ? [...(known[at]?.keys() ?? [])] : []));
  const unused = [...new Set(own)].filter((name) => !names.includes(name)).toSorted();
  return [...names, ...unused].map((name): Row => {
    const having = sources.flatMap((source, at) => {
      const one = known[at]?.get(name);
      return one === undefined ? [] : [{ source, ...one }];
    });
    const [first, ...shadowed] = having;
    const empty = { name, from: null, updatedAt: null, days: null, trouble: null, shadows: [] };
    if (first === undefined) return { ...empty, state: "missing" };
    const { updatedAt, trouble } = first;
    const old = oldSecrets([{ name, updatedAt }], owner.policy.maxAgeMs, now).length > 0;
    return {
      name,
      state: unused.includes(name) ? "unused" : trouble !== null ? "trouble" : old ? "old" : "set",
      from: sourceText(first.source),
      updatedAt: updatedAt?.toISOString() ?? null,
      days: updatedAt === null ? null : daysSince(updatedAt, now),
      trouble,
      shadows: shadowed.map(({ source }) => sourceText(source)),
    };
  });
}

function rowText({ state, from, days, trouble, shadows }: Row, { paint }: Output): string {
  if (from === null) return paint.red("missing");
  const age = days === null ? "age unknown" : days === 1 ? "1 day old" : `${days} days old`;
  const parts = [
    from,
    ...(state === "trouble" ? [paint.red(trouble ?? "")] : []),
    ...(state === "old" ? [paint.yellow(`${age}: time for a new value`)] : [age]),
    ...(state === "unused" ? [paint.yellow("not named under the environment's secrets")] : []),
    ...shadows.map((shadow) => paint.dim(`also in the ${shadow}, which is not asked`)),
  ];
  return parts.join("; ");
}
