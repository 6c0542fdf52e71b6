import { randomUUID } from "node:crypto";
import type { Config, Environment } from "../config/types.ts";
import { documentOf } from "../deploy/read-record.ts";
import type { DeploymentRequest } from "../deploy/request.ts";
import type { StrategyOptions } from "../deploy/strategies/types.ts";
import type { DeploymentKind } from "../deploy/types.ts";
import { demandEmergencies } from "../environments/emergency/policy.ts";
import type { Ticket, TicketOptions } from "../environments/queue/types.ts";
import { demandNothingSince } from "../environments/record/rollback-choice.ts";
import { ShiplockError } from "../errors.ts";
import { relationOf } from "../release/source.ts";
import type { ReleaseDocument } from "../release/types.ts";
import type { TargetSession } from "../targets/types.ts";
import { listFlag, proseFlag, textFlag } from "./arguments.ts";
import { gatesOf } from "./ask-gates.ts";
import type { Flags } from "./commands/table.ts";
import { type CommandContext, originOf } from "./context.ts";
import { hookSetup } from "./hooks.ts";
import { alsoAsked, identityOf } from "./identity.ts";
import { type Chosen, choosePrepared } from "./release-for.ts";
import { tellOldSecrets } from "./secret-ages.ts";
import { scanSince } from "./release-since.ts";
import { attemptSecrets, demandSecrets, ownerOf } from "./secrets.ts";

/**
 * A request for an environment, with all that its configuration and the command's flags say.
 * @param chosen what shall be live, and what gates said of it before; not given by who ends or sets up what is there
 */
export async function requestFor(
  context: CommandContext,
  config: Config,
  environment: Environment,
  session: TargetSession,
  kind: DeploymentKind,
  flags: Flags,
  chosen: Chosen = { choose: nothingIsChosen, gates: [] },
): Promise<DeploymentRequest> {
  const asker = await identityOf(context, config.folder);
  const asking = { config, environment, session, kind, actor: asker, given: chosen.gates };
  return {
    deployment: `d-${randomUUID().slice(0, 8)}`,
    kind,
    project: config.project,
    environment: environment.name,
    origin: originOf(context, proseFlag(flags, "reason")),
    strategy: strategyOf(environment),
    bakeMs: environment.bakeMs,
    timeoutMs: environment.timeoutMs,
    leaseTtlMs: environment.lease.ttlMs,
    wait: flags["wait"] !== false,
    choose: chosen.choose,
    trigger: flags["automatic"] === true ? "automatic" : "manual",
    asker,
    alsoAsked: alsoAsked(context),
    options: ticketOptions(context, flags),
    ...(environment.gates.emergency === undefined
      ? {}
      : { reviewWithinMs: environment.gates.emergency.reviewWithinMs }),
    expiresMs: environment.gates.expiresMs,
    judge: gatesOf(context, asking),
    relation: ({ commit, other }) => relationOf(config.folder, commit, other),
    takeUp: (ticket) => requestOfTicket(context, config, environment, session, ticket),
    secrets: async (document) => {
      const { environment: name, secrets } = document.snapshot;
      const values = await demandSecrets(context, ownerOf(config, name), secrets.names, name);
      await tellOldSecrets(context, config, environment);
      return values;
    },
    hidden: (documents) => hiddenOf(context, config, documents),
    hooks: hookSetup(context, config, environment),
  };
}

/**
 * Refuses what can be refused by the flags alone, before anything is checked, built or connected to.
 * @throws ShiplockError `cli/reason-missing`, `emergency/not-allowed`
 */
export function demandGateFlags(flags: Flags, environment: Environment): void {
  if (flags["emergency"] === true) demandEmergencies(environment.name, environment.gates.emergency);
  for (const flag of ["emergency", "overrideFreeze"])
    if (flags[flag] === true && proseFlag(flags, "reason") === null) throw reasonMissing(flag);
}

/** What was said with the request that only its gates care for. */
function ticketOptions({ output }: CommandContext, flags: Flags): TicketOptions {
  const written = proseFlag(flags, "reason");
  const reason = written === null ? null : output.mask(written);
  return {
    confirmed: textFlag(flags, "confirm"),
    emergency: flags["emergency"] === true ? reason : null,
    overrideFreeze: flags["overrideFreeze"] === true ? reason : null,
    takeOver: flags["takeOver"] === true,
    skip: listFlag(flags, "skipHost"),
  };
}

function reasonMissing(flag: string): ShiplockError {
  const name = flag === "emergency" ? "--emergency" : "--override-freeze";
  return new ShiplockError({
    code: "cli/reason-missing",
    blame: "usage",
    message: `${name} needs a reason, which is recorded and told`,
    remedy: `add --reason "…"`,
  });
}

function nothingIsChosen(): Promise<never> {
  return Promise.reject(
    new ShiplockError({
      code: "deploy/no-choice",
      blame: "bug",
      message: "a command that chooses no release asked for one",
    }),
  );
}

/** Values that may not be read anywhere: of these releases' secrets, and of the registry's login. Masked in all output from now on. */
async function hiddenOf(
  context: CommandContext,
  config: Config,
  documents: readonly ReleaseDocument[],
): Promise<readonly string[]> {
  const password = config.registry?.login?.passwordVariable;
  const without = "its values are not masked in what programs print";
  await Promise.all([
    ...documents.map(({ snapshot: { environment, secrets } }) =>
      attemptSecrets(context, ownerOf(config, environment), secrets.names, without),
    ),
    ...(password === undefined ? [] : [attemptSecrets(context, ownerOf(config, null), [password], without)]),
  ]);
  // Whatever was read is hidden since it was found; so is a login that Docker's helper gave.
  return [...context.output.hidden()];
}

/** One host at a time where a gap is chosen anyway; otherwise as the environment says. */
export function strategyOf(environment: Environment): StrategyOptions {
  const { strategy } = environment;
  return strategy.kind === "rolling" ? strategy : { kind: strategy.kind, batch: { count: 1 }, parallel: 1 };
}

/**
 * The request that a ticket stands for, to be carried out here: with its own origin, reason and options, with the release as the environment record has it, and with
 * secrets and configuration of this machine.
 * @throws ShiplockError `record/incomplete`, `request/other-hosts`; what chooses its release throws `rollback/moved-on`
 */
export async function requestOfTicket(
  context: CommandContext,
  config: Config,
  environment: Environment,
  session: TargetSession,
  ticket: Ticket,
): Promise<DeploymentRequest> {
  const document = await documentOf(session, ticket.document);
  if (document === null)
    throw new ShiplockError({
      code: "record/incomplete",
      blame: "person",
      message: `the environment record names ${ticket.release}, but not what it was`,
      remedy: "look at the folder `releases` of the environment on its home host",
    });
  refuseOtherHosts(session, ticket);
  const { release, snapshot } = document;
  // What its own command knew of checks and scan is judged anew; who goes back is asked for neither.
  const gates = ticket.kind === "rollback" ? [] : await scanSince(context, config, environment, release);
  const prepared = choosePrepared({ release, snapshot, made: [], gates });
  const choose: DeploymentRequest["choose"] = (state, previous) => {
    if (ticket.kind === "rollback") demandNothingSince(state, ticket);
    return prepared.choose(state, previous);
  };
  const request = await requestFor(context, config, environment, session, ticket.kind, {}, { ...prepared, choose });
  const { deployment, kind, trigger, origin, options, requesters } = ticket;
  return {
    ...request,
    deployment,
    kind,
    trigger,
    origin,
    options,
    asker: requesters[0] ?? request.asker,
    alsoAsked: requesters.slice(1),
    queued: true,
  };
}

/** A session leaves out the hosts that its own command named. */
function refuseOtherHosts({ skipped }: TargetSession, { deployment, options }: Ticket): void {
  if (skipped.toSorted().join() === options.skip.toSorted().join()) return;
  const hosts = (names: readonly string[]): string => (names.length === 0 ? "no host" : names.join(", "));
  throw new ShiplockError({
    code: "request/other-hosts",
    blame: "gate",
    message: `${deployment} leaves out ${hosts(options.skip)}, and this command leaves out ${hosts(skipped)}`,
    remedy: `carry it out by itself, with \`shiplock resume\` and its name`,
  });
}
