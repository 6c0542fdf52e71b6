import type { Config, Environment } from "../config/types.ts";
import type { TargetSession } from "../targets/types.ts";
import type { CommandContext } from "./context.ts";
import { targetOf } from "./wiring.ts";

/** Connects to an environment's hosts for as long as `work` takes, whatever becomes of it. */
export async function withSession<T>(
  context: CommandContext,
  config: Config,
  environment: Environment,
  work: (session: TargetSession) => Promise<T>,
): Promise<T> {
  return closingAfter(await openSession(context, config, environment), work);
}

/** Connects to an environment's hosts; whoever calls it closes what it gives. */
export function openSession(context: CommandContext, config: Config, environment: Environment): Promise<TargetSession> {
  return targetOf(config, environment, context.env).open(context.signal);
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
