import { type Clock, systemClock } from "../clock.ts";
import { stateRules, transitions } from "../deploy/states.ts";
import { type Ending, endingOf } from "../environments/record/left-open.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import { messageOf } from "../errors.ts";
import { wayBetween } from "../ledger/deployments.ts";
import type { DeploymentEntry, Ledger } from "../ledger/types.ts";
import type { TargetSession } from "../targets/types.ts";
import { type CommandContext, openHistory } from "./context.ts";

/** History is no reason to keep anybody waiting; in milliseconds. */
const sweepMs = 10_000;

/**
 * Ends in the history what runners that are gone have left open in the environment of a session: as the environment's record says, which knows better. As with the rest of the
 * history: what cannot be written is told, and stops nothing.
 */
export async function endLeftOpen(
  { output }: Pick<CommandContext, "output">,
  session: Pick<TargetSession, "record" | "leaseHolder">,
  ledger: Ledger,
  clock: Clock = systemClock,
): Promise<void> {
  const known = session.record.last()?.state;
  if (known === undefined) return;
  const done = new AbortController();
  const late = clock.wait(sweepMs, done.signal).then(
    () => Promise.reject(new Error(`it could not be looked at within ${sweepMs / 1000} s`)),
    () => undefined,
  );
  try {
    await Promise.race([sweep(session, ledger, known, { clock, mask: output.mask, signal: done.signal }), late]);
  } catch (error) {
    output.note(`warning: what is left open in the history of ${known.environment} stays open: ${messageOf(error)}`);
  } finally {
    done.abort();
  }
}

/** As `endLeftOpen`, for who keeps no history otherwise: somebody ended another's request. */
export async function endInHistory(
  context: CommandContext,
  session: Pick<TargetSession, "record" | "leaseHolder">,
): Promise<void> {
  try {
    const ledger = await openHistory(context);
    await endLeftOpen(context, session, ledger).finally(() => ledger.close());
  } catch (error) {
    context.output.note(`warning: the history on this machine could not be written: ${messageOf(error)}`);
  }
}

async function sweep(
  { record, leaseHolder }: Pick<TargetSession, "record" | "leaseHolder">,
  ledger: Ledger,
  { project, environment }: EnvironmentState,
  { clock, mask, signal }: { clock: Clock; mask: (text: string) => string; signal: AbortSignal },
): Promise<void> {
  const open = await ledger.unfinished(project, environment);
  if (open.length === 0) return;
  const state = (await record.read())?.state;
  if (state === undefined) return;
  const working = open.some(({ id }) => id === state.operation?.deployment);
  const holder = working ? await leaseHolder() : null;
  const held = holder !== null && !holder.expired;
  for (const entry of open) {
    // Nobody waits for it any more; what was seen of the environment may be old, and its session closed.
    if (signal.aborted) return;
    const asked = { deployment: entry.id, state: entry.state, createdAt: entry.createdAt };
    const ending = endingOf(asked, state, held, clock.now().getTime());
    if (ending !== null) await end(ledger, entry, { ...ending, outcome: mask(ending.outcome) }, clock);
  }
}

async function end(ledger: Ledger, { id, state }: DeploymentEntry, ending: Ending, clock: Clock): Promise<void> {
  const { state: last, outcome, live } = ending;
  const at = ending.at ?? clock.now().getTime();
  const way = wayBetween(state, last, Object.keys(transitions), stateRules) ?? [];
  for (const to of way) await ledger.transition({ deployment: id, to, at, live, ...(to === last ? { outcome } : {}) });
}
