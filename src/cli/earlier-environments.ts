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
export async function readEarlier(
  context: CommandContext,
  config: Config,
  names: readonly string[],
  release: Release,
): Promise<Record<string, EarlierEnvironment>> {
  const found = await Promise.all(names.map((name) => readOne(context, config, name, release)));
  return Object.fromEntries(names.map((name, index) => [name, found[index] ?? { unreachable: "nobody has looked" }]));
}

async function readOne(
  context: CommandContext,
  config: Config,
  name: string,
  release: Release,
): Promise<EarlierEnvironment> {
  try {
    return await withSession(context, config, resolveEnvironment(config, name), (session) => lookAt(session, release));
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
