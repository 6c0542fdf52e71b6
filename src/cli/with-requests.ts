import { systemClock } from "../clock.ts";
import type { Config, Environment } from "../config/types.ts";
import type { Identity } from "../environments/identity.ts";
import { withExpired } from "../environments/queue/changes.ts";
import { goneOf } from "../environments/queue/turn.ts";
import { changeRequests } from "../environments/record/change-state.ts";
import { emptyState } from "../environments/record/changes.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import type { TargetSession } from "../targets/types.ts";
import { type CommandContext, loadEnvironment } from "./context.ts";
import { type Notices, openNotices } from "./notices.ts";
import { identities } from "./identity.ts";
import { endInHistory } from "./left-open.ts";
import { withSession } from "./session.ts";

/** What a command about requests and holds works with. */
export type Requests = {
  readonly config: Config;
  readonly environment: Environment;
  readonly session: TargetSession;
  /** Who runs the command. */
  readonly by: Identity;
  now(): Date;
  /** The state as it is, without what is over; empty where nothing has happened yet. */
  read(): Promise<EnvironmentState>;
  /**
   * Writes what needs no lease, in a state without what is over.
   * @param change null when nothing is to be changed
   * @throws ShiplockError `record/contended`, and what `change` throws
   */
  write(change: (state: EnvironmentState) => EnvironmentState | null): Promise<EnvironmentState>;
  /** Tells somebody. Nothing of it throws or waits. */
  tell: Notices["tell"];
  /** Requests whose command is gone. */
  gone(state: EnvironmentState): Promise<ReadonlySet<string>>;
};

/**
 * Opens an environment's record for a command that needs its home host alone: no lease, no registry, no other host. At the end, when the host is let go, it waits a bounded
 * time for those who are told.
 */
export async function withRequests<T>(
  context: CommandContext,
  name: string,
  work: (requests: Requests) => Promise<T>,
): Promise<T> {
  return withRequestsThen(context, name, work, async (done) => done);
}

/** The same, with something that follows when the host is let go, and is told of in the same order. */
export async function withRequestsThen<T, R>(
  context: CommandContext,
  name: string,
  work: (requests: Requests) => Promise<T>,
  then: (done: T, notices: Notices) => Promise<R>,
): Promise<R> {
  const { config, environment } = await loadEnvironment(context, name);
  const whose = { project: config.project, environment: environment.name };
  const now = (): Date => systemClock.now();
  const by = await identities(context, config.folder).identify();
  const notices = openNotices(context, config, environment.name);
  const answer = async (session: TargetSession): Promise<T> => {
    let asked: EnvironmentState["tickets"] = [];
    /** The command of a request that was ended here may be gone, and with it who writes its history. */
    let ended = false;
    const done = await work({
      ...{ config, environment, session, by, now, tell: notices.tell },
      read: async () => {
        const found = await session.record.read();
        return withExpired(found?.state ?? emptyState(whose.project, whose.environment), now());
      },
      write: async (change) => {
        const written = await changeRequests(session.record, whose, (state) => {
          asked = state.tickets;
          return change(withExpired(state, now()));
        });
        const { tickets } = written.state;
        ended ||= asked.some(({ deployment }) => !tickets.some((ticket) => ticket.deployment === deployment));
        return written.state;
      },
      gone: (state) => goneRequests(session, state),
    });
    await notices.reviews(session.record);
    if (ended) await endInHistory(context, session);
    return done;
  };
  try {
    return await then(await withSession(context, config, environment, answer, { kind: "record" }), notices);
  } finally {
    await notices.flush();
  }
}

/** Requests of a state whose command is gone. Where nothing is asked for, nobody is asked. */
export async function goneRequests(session: TargetSession, state: EnvironmentState): Promise<ReadonlySet<string>> {
  return state.tickets.length === 0 ? new Set() : goneOf(state, await session.record.lastSeen());
}
