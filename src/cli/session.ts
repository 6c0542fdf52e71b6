import type { Config, Environment } from "../config/types.ts";
import { messageOf } from "../errors.ts";
import type { Purpose, TargetSession } from "../targets/types.ts";
import { listFlag } from "./arguments.ts";
import type { Flags } from "./commands/table.ts";
import type { Acting } from "../environments/audit/audited-record.ts";
import { auditSecrets } from "../environments/audit/secrets.ts";
import type { AuditAct } from "../environments/audit/types.ts";
import type { Identity } from "../environments/identity.ts";
import { type CommandContext, originOf } from "./context.ts";
import { identityOf } from "./identity.ts";
import { registriesOf, registryLogins, type RegistryLogins } from "./registry-logins.ts";
import { targetOf } from "./wiring.ts";

/**
 * Connects to an environment's hosts for as long as `work` takes, whatever becomes of it.
 * @param purpose says which hosts are needed; to read, unless it is given
 */
export async function withSession<T>(
  context: CommandContext,
  config: Config,
  environment: Environment,
  work: (session: TargetSession) => Promise<T>,
  purpose: Purpose = { kind: "read" },
): Promise<T> {
  return closingAfter(await openSession(context, config, environment, purpose), work);
}

/**
 * Connects to an environment's hosts; whoever calls it closes what it gives. Where images may be pulled, the logins of their registries are found first: nothing begins
 * without them, and what nobody may read is known before the first line is written.
 * @throws ShiplockError `secrets/missing`, `registry/docker-config`, `registry/login-helper`
 */
export async function openSession(
  context: CommandContext,
  config: Config,
  environment: Environment,
  purpose: Purpose,
): Promise<TargetSession> {
  const looks = purpose.kind === "read" || purpose.kind === "record";
  const logins = looks ? null : registryLogins(config, context);
  if (logins !== null) await findLogins(context, config, purpose, logins);
  const acting = actingOf(context, config, environment, purpose);
  return targetOf(config, environment, context.env, acting, logins).open(purpose, context.signal);
}

/** Who acts here; for who will write asked while the hosts are being connected. */
function actingOf(context: CommandContext, config: Config, environment: Environment, purpose: Purpose): Acting {
  let known: Promise<Identity> | null = null;
  const who = (): Promise<Identity> => {
    known ??= identityOf(context, config.folder);
    return known;
  };
  // Who needs it is told what was wrong.
  if (purpose.kind !== "read") who().catch(() => undefined);
  const entered = new Map<string, Set<string>>();
  const remarks = (): AuditAct[] => {
    const reads = context.secrets?.reads ?? [];
    return auditSecrets(
      reads.filter((read) => read.environment === null || read.environment === environment.name),
      entered,
    );
  };
  return { who, from: originOf(context, null).from, mask: context.output.mask, remarks };
}

/** Whoever ends a deployment mostly needs no login any more: what is wrong with it is then only told, and is an error for a pull that wants it. */
async function findLogins(
  { output }: CommandContext,
  config: Config,
  purpose: Purpose,
  logins: RegistryLogins,
): Promise<void> {
  try {
    await Promise.all(registriesOf(config).map((registry) => logins(registry)));
  } catch (error) {
    if (purpose.kind !== "finish") throw error;
    output.note(`warning: ${messageOf(error)}; no image can be pulled`);
  }
}

/** The purpose of a command that deploys, with the hosts that `--skip-host` names. */
export function deployingWithout(flags: Flags): Purpose {
  return { kind: "deploy", skip: listFlag(flags, "skipHost") };
}

/** Closes what was being opened meanwhile, then goes on with the error. */
export function closing(opening: Promise<{ close(): Promise<void> }>): (error: unknown) => Promise<never> {
  return async (error) => {
    const [opened] = await Promise.allSettled([opening]);
    if (opened.status === "fulfilled") await opened.value.close();
    throw error;
  };
}

/** Works with a session that is open, and closes it, whatever becomes of the work. */
export async function closingAfter<T>(
  session: TargetSession,
  work: (session: TargetSession) => Promise<T>,
): Promise<T> {
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}
