import type { Clock } from "../../clock.ts";
import { ShiplockError } from "../../errors.ts";
import type { CheckRunEntry, DeploymentEntry, Ledger, ReleaseEntry, StateRules } from "../types.ts";
import { checkLimit } from "../limits.ts";
import { type Board, recordedEntry, replaceEarlier, unsettledPart } from "./board.ts";
import { checksOfRun, runsInTexts } from "./checks.ts";
import { documentOf, releaseIn } from "./document.ts";
import { createOutbox } from "./outbox.ts";
import { checkPrefix } from "./records.ts";
import { isPassing, isSilent, noAnswer, notBelieved, whyNot } from "./refusals.ts";
import { enterCheckRun, enterDeployment, enterRelease } from "./shared.ts";
import { isSettled, replacedBy, statusOf } from "./states.ts";
import type { Believed, DeploymentRecord, GitHubRecords } from "./types.ts";

/** How long `close` waits for what GitHub has not been told yet, in milliseconds, unless GitHub takes one thing after another. */
const drainMs = 15_000;
/** How long a question may wait for GitHub before it is answered from what is known here, in milliseconds. */
const readMs = 12_000;
/** How far back GitHub's records are looked through for history. */
const mostListed = 300;

/** For so long nobody asks again, where GitHub has let somebody wait in vain; in milliseconds. */
const silenceMs = 60_000;

/**
 * Until when GitHub is not asked, because somebody has waited for it in vain; milliseconds of a clock's `elapsed`. What opens several ledgers one after another hands each of them the
 * same one, so that not each of them waits.
 */
export type Silence = { until: number };

export type GitHubLedgerOptions = {
  /** Keeps everything; GitHub gets what other machines have to know. Closed with this ledger. */
  inner: Ledger;
  states: StateRules;
  records: GitHubRecords;
  board: Board;
  project: string;
  /** Whether a release that GitHub has is one that may be taken for what it says. */
  isRelease: (release: ReleaseEntry) => boolean;
  /** Where an environment answers, for people; null where that is not known. */
  addressOf: (environment: string) => string | null;
  /** The page of the workflow's run; null outside of one. */
  runAddress: string | null;
  clock: Clock;
  /** Hears, once, that GitHub cannot be asked or told, and why. */
  warn: (why: string) => void;
  /** Text, or what holds text, without the values of secrets: records are read by whoever may read the repository. */
  masked: <Value>(value: Value) => Value;
  silence: Silence;
  /** Ends all calls; nobody waits for GitHub any more. */
  stop: () => void;
};

/**
 * A ledger that shares what other machines have to know through GitHub: deployments with their states and releases as deployments of the repository, runs of checks as check
 * runs of their commits. Everything, and what is not shared (steps, events, logs, gate answers, notices, attachments, names of releases), is in the ledger within.
 *
 * - What is written is on stable storage in the ledger within when a call returns, and on GitHub when `close` has returned, or earlier. GitHub is told in the background, in
 *   order, and of a deployment only how it stands by then.
 * - What is read of GitHub is entered into the ledger within, which then answers. Where both know something, the ledger within does, unless the other machine ended it.
 * - GitHub that cannot be reached, or refuses, is told once as a warning, and is no error: no deployment waits for it longer than 12 seconds at a question, once in a minute, and 15 at the end (60 where it takes one thing
 *   after another).
 */
export function createGitHubLedger(options: GitHubLedgerOptions): Ledger {
  const { inner, states, records, board, project, isRelease, addressOf, runAddress, clock, warn, stop } = options;
  const { masked, silence } = options;
  const outbox = createOutbox({
    failed,
    mayPass: isPassing,
    wait: clock.wait,
  });
  const mine = new Map<string, DeploymentRecord>();
  /** Deployments that are told of afterwards, and whose release is live no more. */
  const past = new Set<string>();
  /** What was last said of a record. */
  const said = new Map<number, string>();
  let warned = false;
  let unreadable = false;

  function failed(error: unknown): void {
    if (!warned) warn(whyNot(error));
    warned = true;
  }

  /** What GitHub knows is entered here, as far as it can be had in time. */
  async function learn(work: () => Promise<void>): Promise<void> {
    if (unreadable || clock.elapsed() < silence.until) return;
    const done = new AbortController();
    const late = clock.wait(readMs, done.signal).then(
      () => Promise.reject(noAnswer(readMs)),
      () => undefined,
    );
    try {
      await Promise.race([work(), late]);
    } catch (error) {
      unreadable = true;
      if (isSilent(error)) silence.until = clock.elapsed() + silenceMs;
      failed(error);
    } finally {
      done.abort();
    }
  }

  async function learnReleases(): Promise<void> {
    await learn(async () => {
      for (const { document } of await board.list(null)) {
        const release = releaseIn(document);
        if (release !== null && isRelease(release)) await enterRelease(inner, release);
      }
    });
  }

  async function enterRecords(found: readonly DeploymentRecord[]): Promise<void> {
    const unknown: DeploymentRecord[] = [];
    for (const record of found) {
      const known = await inner.findDeployment(record.document.deployment);
      // A failed deployment may have been ended otherwise since.
      if (known === null || known.endedAt === null || known.state === "failed") unknown.push(record);
    }
    for (const told of await board.toldAll(unknown)) await enterDeployment(inner, recordedEntry(told, states), states);
  }

  /** Brings the record of a deployment to where the deployment stands. */
  async function publish(id: string): Promise<void> {
    const record = await recordOf(id);
    // It may have gone on while its record was made.
    const entry = await inner.findDeployment(id);
    if (record === null || entry === null) return;
    const { state, description } = statusOf({ ...entry, outcome: masked(entry.outcome) });
    const word = state === "in_progress" ? state : `${state} ${description}`;
    if (said.get(record.number) === word) return;
    const environmentUrl = state === "success" ? addressOf(entry.environment) : null;
    const status = await records.say(record.number, { state, description, environmentUrl, logUrl: runAddress });
    said.set(record.number, word);
    board.said(record.number, status);
    if (state !== "success") return;
    if (past.has(id))
      await records.say(record.number, { ...replacedBy(null), environmentUrl: null, logUrl: runAddress });
    else await replaceEarlier(records, board, record, runAddress);
  }

  /** The record of a deployment; made where GitHub has none. */
  async function recordOf(id: string): Promise<DeploymentRecord | null> {
    const known = mine.get(id);
    if (known !== undefined) return known;
    const entry = await inner.findDeployment(id);
    if (entry === null) return null;
    const { environment } = entry;
    const found = (await board.list(environment)).find(({ document }) => document.deployment === id);
    const record = found ?? (await make(entry));
    mine.set(id, record);
    return record;
  }

  async function make(entry: DeploymentEntry): Promise<DeploymentRecord> {
    const release = await inner.findRelease(project, entry.release);
    const document = documentOf(maskedEntry(entry), release?.id === entry.release ? maskedRelease(release) : null);
    try {
      const record = await records.create(entry.environment, document);
      board.made(record);
      demandBelief(record);
      return record;
    } catch (error) {
      if (!isPassing(error)) throw error;
      // It may have been made all the same. Made a second time it would be two.
      const found = (await board.listAnew(entry.environment)).find((each) => each.document.deployment === entry.id);
      if (found === undefined) throw error;
      return found;
    }
  }

  // What names something stays as it is, or nobody would find it again.
  function maskedEntry(entry: DeploymentEntry): DeploymentEntry {
    const { who, why, origin, ref } = entry;
    return { ...entry, ...masked({ who, why, origin, ref }) };
  }

  function maskedRelease(release: ReleaseEntry): ReleaseEntry {
    return { ...release, payload: masked(release.payload) };
  }

  function maskedChecks(run: CheckRunEntry): CheckRunEntry {
    const { who, origin } = run;
    const jobs = run.jobs.map((job) => ({ ...job, ...masked({ reason: job.reason, summary: job.summary }) }));
    return { ...run, ...masked({ who, origin }), jobs };
  }

  function demandBelief({ believed }: Believed): void {
    if (!believed) failed(notBelieved());
  }

  function share(id: string): void {
    outbox.put(`deployment ${id}`, () => publish(id));
  }

  return {
    ...inner,

    async findRelease(of, idOrPrefix) {
      const known = of === project ? await exactRelease(inner, of, idOrPrefix) : null;
      if (known !== null) return known;
      await learnReleases();
      return inner.findRelease(of, idOrPrefix);
    },
    async releasesByCommit(of, commitOrPrefix) {
      await learnReleases();
      return inner.releasesByCommit(of, commitOrPrefix);
    },
    async recentReleases(of, limit) {
      await learnReleases();
      return inner.recentReleases(of, limit);
    },

    async recordCheckRun(run) {
      await inner.recordCheckRun(run);
      // Nobody else has the working tree.
      if (run.source !== "commit") return;
      for (const check of checksOfRun(maskedChecks(run), checkPrefix, runAddress))
        outbox.put(`check ${check.externalId}`, async () => demandBelief(await records.reportCheck(check)));
    },
    async checkRuns(of, commit) {
      await learn(async () => {
        for (const run of runsInTexts(await records.checkTexts(commit), project, commit))
          await enterCheckRun(inner, run);
      });
      return inner.checkRuns(of, commit);
    },

    async openDeployment(deployment) {
      const opened = await inner.openDeployment(deployment);
      share(opened.id);
      return opened;
    },
    async findDeployment(id) {
      const known = await inner.findDeployment(id);
      if (known !== null) return known;
      await learn(async () => {
        const found = (await board.list(null)).find(({ document }) => document.deployment === id);
        if (found !== undefined) await enterRecords([found]);
      });
      return inner.findDeployment(id);
    },
    async transition(change) {
      const moved = await inner.transition(change);
      if (change.live === false) past.add(moved.id);
      share(moved.id);
      return moved;
    },
    async history(query) {
      checkLimit(query.limit);
      await learn(async () => {
        const listed = await board.list(query.environment ?? null, query.before === undefined ? 100 : mostListed);
        const newest = listed.toSorted((left, right) => right.document.createdAt - left.document.createdAt);
        const before = newest.findIndex(({ document }) => document.deployment === query.before);
        await enterRecords(newest.slice(before + 1, before + 1 + query.limit));
      });
      return inner.history(query);
    },
    async latest(of, environment) {
      await learn(async () => {
        await enterRecords((await board.list(environment)).slice(0, 1));
      });
      return inner.latest(of, environment);
    },
    async unfinished(of, environment) {
      await learn(async () => {
        // How our own stand is known here; what they replace is in order once GitHub was told of them.
        await outbox.idle();
        const others = await unsettledPart(board, environment, ({ document }) => mine.has(document.deployment));
        const open = others.filter(({ statuses }) => !isSettled(statuses[0]));
        for (const told of open) await enterDeployment(inner, recordedEntry(told, states), states);
      });
      return inner.unfinished(of, environment);
    },

    async close() {
      await outbox.drain(drainMs);
      stop();
      await inner.close();
    },
  };
}

async function exactRelease(ledger: Ledger, project: string, id: string): ReturnType<Ledger["findRelease"]> {
  try {
    const found = await ledger.findRelease(project, id);
    return found?.id === id ? found : null;
  } catch (error) {
    // Several begin so; GitHub may know still more.
    if (error instanceof ShiplockError && error.code === "ledger/ambiguous-release") return null;
    throw error;
  }
}
