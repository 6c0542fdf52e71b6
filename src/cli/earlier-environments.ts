import { resolveEnvironment } from "../config/environment.ts";
import type { Config } from "../config/types.ts";
import { documentOf } from "../deploy/read-record.ts";
import type { EarlierEnvironment } from "../environments/gates/types.ts";
import type { EnvironmentState, HealthyRelease } from "../environments/record/types.ts";
import { sameRelease } from "../environments/same-release.ts";
import { messageOf } from "../errors.ts";
import type { Release } from "../release/types.ts";
import type { TargetSession } from "../targets/types.ts";
import type { CommandContext } from "./context.ts";
import { withSession } from "./session.ts";

/**
 * What is known of environments that a release has to have been in before, each asked on its own hosts. One that does not answer is a fact like any other.
 * @param release what shall be deployed
 */
export function readEarlier(
  context: CommandContext,
  config: Config,
  names: readonly string[],
  release: Release,
): Promise<Record<string, EarlierEnvironment>> {
  return readAll(context, config, names, (session) => lookAt(session, release));
}

/** As `readEarlier`, of a commit of which nothing is built yet: all releases of it count as the same, and nobody looks how they are. */
export function readEarlierOfCommit(
  context: CommandContext,
  config: Config,
  names: readonly string[],
  commit: string,
): Promise<Record<string, EarlierEnvironment>> {
  return readAll(context, config, names, (session) => lookForCommit(session, commit));
}

/** What one environment says of a commit, by a session with it. */
export async function lookForCommit(session: TargetSession, commit: string): Promise<EarlierEnvironment> {
  const state = (await session.record.read())?.state ?? null;
  return {
    state,
    same: (state?.healthy ?? []).filter((entry) => entry.commit === commit).map(({ release }) => release),
    ailing: [],
  };
}

async function readAll(
  context: CommandContext,
  config: Config,
  names: readonly string[],
  look: (session: TargetSession) => Promise<EarlierEnvironment>,
): Promise<Record<string, EarlierEnvironment>> {
  const found = await Promise.all(
    names.map(async (name) => [name, await readOne(context, config, name, look)] as const),
  );
  return Object.fromEntries(found);
}

async function readOne(
  context: CommandContext,
  config: Config,
  name: string,
  look: (session: TargetSession) => Promise<EarlierEnvironment>,
): Promise<EarlierEnvironment> {
  try {
    return await withSession(context, config, resolveEnvironment(config, name), look);
  } catch (error) {
    context.signal.throwIfAborted();
    return { unreachable: messageOf(error) };
  }
}

/** What one environment says, by a session with it. */
export async function lookAt(session: TargetSession, release: Release): Promise<EarlierEnvironment> {
  const state = (await session.record.read())?.state ?? null;
  const live = state?.live ?? null;
  const same = await sameIn(session, state, release);
  if (state === null || live === null || !same.includes(live.release)) return { state, same, ailing: [] };
  const observed = await session.observe(state, await documentOf(session, live.document));
  return { state, same, ailing: observed.flatMap(({ host, drift }) => drift.map((text) => `${host}: ${text}`)) };
}

/** Only releases of the same commit are looked into. */
async function sameIn(session: TargetSession, state: EnvironmentState | null, release: Release): Promise<string[]> {
  const known = (state?.healthy ?? []).filter(({ commit }) => commit === release.commit);
  const same = await Promise.all(known.map((entry) => isSame(session, entry, release)));
  return known.filter((_, index) => same[index] === true).map((entry) => entry.release);
}

async function isSame(session: TargetSession, entry: HealthyRelease, release: Release): Promise<boolean> {
  if (entry.release === release.id) return true;
  const document = await documentOf(session, entry.document);
  return document !== null && sameRelease(document.release, release);
}
