import { randomUUID } from "node:crypto";
import { systemClock } from "../clock.ts";
import { resolvePublicUrls } from "../config/environment.ts";
import type { Config } from "../config/types.ts";
import { allEndsTold, foldNotices, startNotices } from "../deploy/notices.ts";
import type { DeploymentEvent } from "../deploy/request.ts";
import { reviewSentence, untoldReviews, withReviewsTold } from "../environments/emergency/reviews.ts";
import type { DueReview } from "../environments/queue/types.ts";
import { changeRequests } from "../environments/record/change-state.ts";
import type { EnvironmentRecord } from "../environments/record/types.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import { openDispatch, type Told } from "../notify/dispatch.ts";
import type { Notice, NoticeEvent, NoticeRule } from "../notify/types.ts";
import { levelOf } from "../notify/words.ts";
import { type CommandContext, openHistory, originOf } from "./context.ts";
import { failureNotice } from "./failure-notice.ts";
import { runAddress } from "./github-ledger.ts";
import { noticeRules } from "./notifiers.ts";

/** The telling of one command. Nothing of it throws, and nothing but `flush` waits. */
export type Notices = {
  /** Tells what a deployment's event means, if anything. */
  event(event: DeploymentEvent): void;
  /** Tells something else; what is not given is what the command knows. */
  tell(notice: NoticeInput, options?: { onlyNamed?: boolean }): void;
  /** Tells that the command ended with an error, unless the events have told an end already, or nobody has to know. */
  failed(error: unknown, facts: Partial<NoticeInput>): void;
  /**
   * Tells of emergencies that wait for somebody's review, by what the environment record said last: each once when it has ended, and once more when the time for it is
   * over, whichever command sees that first. That it was told is kept in the record, so that no other machine does it again.
   */
  reviews(record: EnvironmentRecord): Promise<void>;
  /** Waits until all has been told, at most so long; what was not is given up. To be called once, at the end. */
  flush(withinMs?: number): Promise<readonly Told[]>;
};

/** What a deployment needs of it. */
export type DeploymentNotices = Pick<Notices, "event" | "reviews">;

export type NoticeInput = Partial<Omit<Notice, "event" | "level" | "project" | "links">> & { event: NoticeEvent };

/** A command waits so long at most for those who are told, however many they are. */
export const flushMs = 10_000;

export type NoticeOptions = {
  /** Kind of change: `deploy`, `promote`, `rollback`. */
  kind?: string | null;
  /** The reason that was given with the command. */
  why?: string | null;
  /** Who is told, if it is not as the configuration says. */
  rules?: readonly NoticeRule[];
  /** Says nothing of who could not be told: whoever calls `flush` does. */
  quiet?: boolean;
};

/**
 * Opens the telling of a command.
 * @param environment whose events these are; null for what belongs to none
 */
export function openNotices(
  context: CommandContext,
  config: Config,
  environment: string | null,
  { kind = null, why = null, rules = noticeRules(context, config), quiet = false }: NoticeOptions = {},
): Notices {
  const { output } = context;
  const recorder = openRecorder(context);
  const dispatch = openDispatch({
    rules,
    clock: systemClock,
    mask: output.mask,
    record: recorder.record,
    warn: (line) => {
      if (!quiet) output.note(`warning: ${line}`);
    },
  });
  const url = environment === null || rules.length === 0 ? null : publicUrlOf(context, config, environment);
  const log = runAddress(context.env);
  const { who } = originOf(context, null);
  const deliver = (input: NoticeInput, options?: { onlyNamed?: boolean }): void => {
    const links = { url, log };
    const known = { kind, environment, who, why, at: now(), project: config.project, links };
    dispatch.tell({ ...bare, ...known, ...input, level: levelOf(input.event) }, options);
  };
  const now = (): string => systemClock.now().toISOString();
  let fold = startNotices(url, log);

  return {
    event: (event) => {
      if (rules.length === 0) return;
      const next = foldNotices(fold, event, now());
      fold = next.fold;
      for (const notice of next.notices) dispatch.tell(notice);
    },
    tell: deliver,
    failed: (error, facts) => {
      if (rules.length === 0 || allEndsTold(fold)) return;
      const notice = failureNotice(error, (context.env["CI"] ?? "") !== "");
      if (notice !== null) deliver({ ...facts, ...notice });
    },
    reviews: async (record) => {
      if (rules.length === 0) return;
      try {
        for (const { review, sentence } of await claimReviews(record, systemClock.now()))
          deliver({
            ...{ event: "review-due", deployment: review.deployment, release: review.release },
            ...{ who: review.by.name, why: review.reason, outcome: sentence },
          });
      } catch (error) {
        output.note(`warning: nobody was told of the reviews that are due: ${messageOf(error)}`);
      }
    },
    flush: async (withinMs = flushMs) => {
      const told = await dispatch.flush(withinMs);
      await recorder.close();
      return told;
    },
  };
}

/** Reviews that are to be told of now, each with a sentence. Of many that see them, one gets each. */
async function claimReviews(record: EnvironmentRecord, now: Date): Promise<{ review: DueReview; sentence: string }[]> {
  const seen = record.last()?.state;
  if (seen === undefined || untoldReviews(seen, now).length === 0) return [];
  let claimed: ReturnType<typeof untoldReviews> = [];
  await changeRequests(record, seen, (state) => {
    claimed = untoldReviews(state, now);
    return withReviewsTold(state, now);
  });
  return claimed.map(({ review }) => ({ review, sentence: reviewSentence(review, seen.environment, now) }));
}

const bare = {
  deployment: null,
  release: null,
  commit: null,
  subject: null,
  ref: null,
  outcome: null,
  steps: [],
  lastLines: [],
} satisfies Partial<Notice>;

function publicUrlOf(context: CommandContext, config: Config, name: string): string | null {
  const environment = config.environments[name];
  if (environment === undefined) return null;
  try {
    return resolvePublicUrls(config, environment, context.env).url ?? null;
  } catch (error) {
    // A variable in it that is not set: whoever deploys is told of that; a notice does without.
    if (error instanceof ShiplockError) return null;
    throw error;
  }
}

/** Keeps deliveries in the history of this machine. One that cannot be written is told once and stops nothing. */
function openRecorder(context: CommandContext): { record: (told: Told) => Promise<void>; close: () => Promise<void> } {
  let opened: ReturnType<typeof openHistory> | null = null;
  let stopped = false;
  return {
    record: async ({ notice, notifier, at, durationMs, delivery }) => {
      if (stopped) return;
      try {
        opened ??= openHistory(context);
        await (await opened).recordNotice({
          id: `n-${randomUUID()}`,
          project: notice.project,
          environment: notice.environment,
          deployment: notice.deployment,
          event: notice.event,
          notifier,
          at: at.getTime(),
          durationMs: Math.round(durationMs),
          status: delivery.status,
          tries: delivery.tries,
          detail: delivery.detail,
          payload: delivery.remember,
        });
      } catch (error) {
        stopped = true;
        context.output.note(`warning: what was told could not be recorded on this machine: ${messageOf(error)}`);
      }
    },
    close: async () => {
      // Whoever answers after time was over is not waited for.
      stopped = true;
      if (opened === null) return;
      const [ledger] = await Promise.allSettled([opened]);
      if (ledger.status === "fulfilled") await ledger.value.close();
    },
  };
}
