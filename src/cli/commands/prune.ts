import { randomUUID } from "node:crypto";
import { systemClock } from "../../clock.ts";
import type { Config, Environment } from "../../config/types.ts";
import { digestsOf, planPrune, type PruneRequest, runPrune } from "../../deploy/prune.ts";
import type { Retention, RetentionFacts, StoredDocument } from "../../environments/retention/types.ts";
import { messageOf, ShiplockError } from "../../errors.ts";
import { readRepositories } from "../../release/registry/holdings.ts";
import type { Registry } from "../../release/registry/types.ts";
import { argument } from "../arguments.ts";
import { type CommandContext, loadEnvironment, originOf } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { showProgress } from "../progress.ts";
import { retentionLines } from "../retention-lines.ts";
import { registryLogins } from "../registry-logins.ts";
import { withSession } from "../session.ts";
import { registryOf } from "../wiring.ts";
import type { Flags } from "./table.ts";

/** Takes away what no rollback of an environment can need, from its hosts and from the registry. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { output, signal } = context;
  const { config, environment } = await loadEnvironment(context, argument(args, 0));
  const registry = registryOf(config, registryLogins(config, context));
  const dryRun = flags["dryRun"] === true;
  return withSession(context, config, environment, async (session) => {
    const request: PruneRequest = {
      deployment: `p-${randomUUID().slice(0, 8)}`,
      environment: environment.name,
      origin: originOf(context, null),
      leaseTtlMs: environment.lease.ttlMs,
      wait: flags["wait"] !== false,
      keep: environment.keep,
      readRegistry: (documents) => readRegistry(context, config, environment, documents, registry),
    };
    const ports = { session, clock: systemClock, signal, tell: showProgress(output) };
    const retention = dryRun ? await planPrune(request, session) : await runPrune(request, ports, registry);
    output.result({ environment: environment.name, dryRun, ...(retention ?? nothing) });
    if (retention === null) output.line(`nothing was ever deployed to ${environment.name}`);
    else for (const line of retentionLines(retention, environment.name, dryRun, output.paint)) output.line(line);
    return exitCodes.done;
  });
}

const nothing: Retention = {
  ...{ kept: [], forgotten: [], registry: [], hosts: [], operations: [], documents: [], stays: [] },
};

/** The registry is asked once it is known what every other environment needs of it; it is left alone where one of them cannot say. */
async function readRegistry(
  context: CommandContext,
  config: Config,
  environment: Environment,
  documents: readonly StoredDocument[],
  registry: Registry,
): Promise<RetentionFacts["registry"]> {
  if (!config.retention.registry) return null;
  const all = Object.values(config.environments);
  const others = all.filter(({ name }) => name !== environment.name);
  try {
    const needed = await Promise.all(others.map((other) => neededBy(context, config, other)));
    return {
      repositories: await readRepositories(registry, documents, context.signal),
      neededElsewhere: new Set(needed.flatMap((digests) => [...digests])),
      prefixes: all.map(({ tagPrefix }) => tagPrefix),
    };
  } catch (error) {
    context.signal.throwIfAborted();
    if (!(error instanceof ShiplockError)) throw error;
    return { leftAlone: `everything in the registry, because ${messageOf(error)}` };
  }
}

async function neededBy(context: CommandContext, config: Config, other: Environment): Promise<Set<string>> {
  return withSession(context, config, other, async (session) => {
    const read = await session.record.read();
    const digests = read === null ? new Set<string>() : await digestsOf(session, read.state);
    if (digests !== null) return digests;
    throw new ShiplockError({
      code: "record/incomplete",
      blame: "person",
      message: `the record of ${other.name} names a release and not what it was`,
      remedy: "look at the folder `releases` of that environment on its home host",
    });
  });
}
