import type { Config } from "../config/types.ts";
import { repositoryRoot, resolveCommit } from "../release/source.ts";
import { proseFlag, textFlag } from "./arguments.ts";
import type { Flags } from "./commands/table.ts";
import type { CommandContext } from "./context.ts";
import { type NoticeInput, type Notices, openNotices } from "./notices.ts";

/** What a command that changes something is about. */
export type NoticeSubject = {
  environment: string | null;
  /** `deploy`, `promote`, `rollback`; null for a command without a deployment. */
  kind: string | null;
  /** Whether `--ref`, or what is checked out, is what it is about. */
  ofCommit: boolean;
};

/**
 * Does a command's work with somebody told of it: what its deployment tells, and that it ended with an error before. At the end, when hosts and lease are let go, it waits a
 * bounded time for those who are told.
 */
export async function withNotices(
  context: CommandContext,
  config: Config,
  flags: Flags,
  { environment, kind, ofCommit }: NoticeSubject,
  work: (notices: Notices) => Promise<number>,
): Promise<number> {
  const notices = openNotices(context, config, environment, { kind, why: proseFlag(flags, "reason") });
  try {
    return await tellingFailure(context, config, flags, ofCommit, notices, work);
  } finally {
    await notices.flush();
  }
}

/** Does work of which is told if it ends with an error before a deployment's own end was told. */
export async function tellingFailure(
  context: CommandContext,
  config: Config,
  flags: Flags,
  ofCommit: boolean,
  notices: Notices,
  work: (notices: Notices) => Promise<number>,
): Promise<number> {
  try {
    return await work(notices);
  } catch (error) {
    // Who interrupts a command before it has begun anything knows.
    if (config.notify.length > 0 && !context.signal.aborted)
      notices.failed(error, ofCommit ? await commitFacts(context, config, flags) : {});
    throw error;
  }
}

async function commitFacts(context: CommandContext, config: Config, flags: Flags): Promise<Partial<NoticeInput>> {
  if (textFlag(flags, "release") !== null) return { release: textFlag(flags, "release") };
  try {
    const { hash, subject, ref } = await resolveCommit(await repositoryRoot(config.folder), textFlag(flags, "ref"));
    return { commit: hash, subject, ref };
  } catch {
    // The error that is told may be this very one: there is no such commit.
    return { ref: textFlag(flags, "ref") };
  }
}
