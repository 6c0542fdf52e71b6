import { writeFile } from "node:fs/promises";
import { messageOf, ShiplockError } from "../errors.ts";
import { fromText, packAttachment } from "./attachments.ts";
import { movedDeployment, openedDeployment, reopenedDeployment } from "./deployments.ts";
import { ambiguousRelease, backupExists, conflict, unknownDeployment, unknownRelease } from "./errors.ts";
import { decodeJson, encodeJson, sameJson } from "./json.ts";
import { createNoticeMemory } from "./memory-notices.ts";
import { checkLimit, fitLog, LOG_DEPLOYMENT_BYTES, PAGE_LIMIT, UNFINISHED_LIMIT } from "./limits.ts";
import type {
  CheckRunEntry,
  Attachment,
  DeploymentEntry,
  GateAnswer,
  HistoryQuery,
  Ledger,
  LedgerEvent,
  LogChunk,
  LogText,
  ReleaseEntry,
  StateRules,
  StepEntry,
  Transition,
  VersionEntry,
} from "./types.ts";

/** Everything is kept as JSON text, so that nobody can change what was recorded, nor record what a database could not hold. */
type Story = {
  entry: DeploymentEntry;
  gates: Record<string, string>;
  steps: Record<string, string>;
  events: Record<string, string>;
  log: LogChunk[];
  logBytes: number;
};

type Attached = { project: string; attachment: Attachment; content: string };

type Snapshot = {
  releases: Record<string, string>;
  checkRuns: Record<string, string>;
  versions?: Record<string, string>;
  notices?: Record<string, string>;
  stories: Record<string, Story>;
  attached: readonly Attached[];
};

/**
 * A ledger that lives as long as its process: for tests, and for runs that want no file.
 * @param options.states the transition table's judgement
 * @param options.logLimit bytes of log kept per deployment
 * @param options.snapshot the content of a file that `backup` wrote
 */
export function createMemoryLedger(options: { states: StateRules; logLimit?: number; snapshot?: string }): Ledger {
  const { states, logLimit = LOG_DEPLOYMENT_BYTES } = options;
  const start = options.snapshot === undefined ? null : (JSON.parse(options.snapshot) as Snapshot);
  const releases = new Map<string, string>(Object.entries(start?.releases ?? {}));
  const checkRuns = new Map<string, string>(Object.entries(start?.checkRuns ?? {}));
  const versions = new Map<string, string>(Object.entries(start?.versions ?? {}));
  const notices = createNoticeMemory(start?.notices ?? {});
  const attached: Attached[] = [...(start?.attached ?? [])];
  const stories = new Map<string, Story>(Object.entries(start?.stories ?? {}));

  function storyOf(deployment: string): Story {
    const story = stories.get(deployment);
    if (!story) throw unknownDeployment(deployment);
    return story;
  }

  function releasesOf(project: string): ReleaseEntry[] {
    return [...releases.values()]
      .map((text) => decodeJson(text) as ReleaseEntry)
      .filter((release) => release.project === project);
  }

  function attachmentsWhere(fits: (each: Attached) => boolean): Attachment[] {
    return attached
      .filter(fits)
      .map((each) => ({ ...each.attachment }))
      .sort((left, right) => left.at - right.at || (orderOf(left) < orderOf(right) ? -1 : 1));
  }

  function newestFirst(): DeploymentEntry[] {
    return [...stories.values()].map((story) => story.entry).sort((left, right) => (isOlder(left, right) ? 1 : -1));
  }

  return {
    async recordRelease(release) {
      const key = JSON.stringify([release.project, release.id]);
      const text = encodeJson({ ...release, payload: decodeJson(encodeJson(release.payload, "release")) }, "release");
      const stored = releases.get(key);
      if (stored !== undefined && !sameJson(stored, text)) throw conflict(`release ${release.id}`);
      releases.set(key, stored ?? text);
    },

    async findRelease(project, idOrPrefix) {
      if (idOrPrefix === "") return null;
      const found = releasesOf(project).filter((release) => release.id.startsWith(idOrPrefix));
      const exact = found.find((release) => release.id === idOrPrefix);
      if (exact) return exact;
      if (found.length > 1) throw ambiguousRelease(idOrPrefix, found.map((release) => release.id).sort());
      return found[0] ?? null;
    },

    async releasesByCommit(project, commitOrPrefix) {
      if (commitOrPrefix === "") return [];
      const ofCommit = releasesOf(project).filter((release) => release.commit.startsWith(commitOrPrefix));
      return newestReleases(ofCommit).slice(0, 100);
    },

    async recentReleases(project, limit) {
      return newestReleases(releasesOf(project)).slice(0, checkLimit(limit));
    },

    async recordCheckRun(run) {
      for (const { summary } of run.jobs) encodeJson(summary, "check's summary");
      const text = encodeJson(run, "run of checks");
      const stored = checkRuns.get(run.id);
      if (stored !== undefined && !sameJson(stored, text)) throw conflict(`run of checks ${run.id}`);
      checkRuns.set(run.id, stored ?? text);
    },

    async checkRuns(project, commit) {
      return [...checkRuns.values()]
        .map((text) => decodeJson(text) as CheckRunEntry)
        .filter((run) => run.project === project && run.commit === commit)
        .sort((left, right) => right.endedAt - left.endedAt || (left.id < right.id ? 1 : -1))
        .slice(0, 100);
    },

    async recordVersion(version) {
      const key = JSON.stringify([version.project, version.name, version.at]);
      const text = encodeWhole(version);
      const stored = versions.get(key);
      if (stored !== undefined && !sameJson(stored, text)) throw conflict(`version ${version.name}`);
      versions.set(key, stored ?? text);
    },

    async versions(project) {
      return [...versions.values()]
        .map((text) => decodeJson(text) as VersionEntry)
        .filter((version) => version.project === project)
        .sort((left, right) => right.at - left.at || (left.name < right.name ? 1 : -1))
        .slice(0, PAGE_LIMIT);
    },

    recordNotice: notices.recordNotice,
    notices: notices.notices,

    async attachToRelease(project, release, told) {
      const { attachment, content } = await packAttachment(release, told);
      if (!releases.has(JSON.stringify([project, release]))) throw unknownRelease(release);
      const stored = attached.find((each) => each.project === project && isSameAttachment(each.attachment, attachment));
      if (stored) return { ...stored.attachment };
      attached.push({ project, attachment, content });
      return { ...attachment };
    },

    async attachments(project, release) {
      return attachmentsWhere((each) => each.project === project && each.attachment.release === release);
    },

    async attachmentsAbout(project, subject) {
      return attachmentsWhere((each) => each.project === project && each.attachment.subject === subject);
    },

    async readAttachment(project, digest) {
      const found = attached.find((each) => each.project === project && each.attachment.digest === digest);
      return found ? fromText(found.content) : null;
    },

    async openDeployment(deployment) {
      const opened = openedDeployment(deployment, states);
      const story = stories.get(opened.id);
      if (story) return { ...reopenedDeployment(story.entry, opened) };
      stories.set(opened.id, { entry: opened, gates: {}, steps: {}, events: {}, log: [], logBytes: 0 });
      return { ...opened };
    },

    async findDeployment(id) {
      const story = stories.get(id);
      return story ? { ...story.entry } : null;
    },

    async transition(change: Transition) {
      const story = storyOf(change.deployment);
      story.entry = movedDeployment(story.entry, change, states);
      return { ...story.entry };
    },

    async history(query: HistoryQuery) {
      const limit = checkLimit(query.limit);
      const before = query.before === undefined ? null : storyOf(query.before).entry;
      return newestFirst()
        .filter((entry) => entry.project === query.project)
        .filter((entry) => query.environment === undefined || entry.environment === query.environment)
        .filter((entry) => before === null || isOlder(entry, before))
        .slice(0, limit)
        .map((entry) => ({ ...entry }));
    },

    async latest(project, environment) {
      const entry = newestFirst().find((one) => one.project === project && one.environment === environment);
      return entry ? { ...entry } : null;
    },

    async unfinished(project, environment) {
      return newestFirst()
        .filter((one) => one.project === project && one.environment === environment && one.endedAt === null)
        .slice(0, UNFINISHED_LIMIT)
        .map((entry) => ({ ...entry }));
    },

    async recordGateAnswers(deployment, answers) {
      const story = storyOf(deployment);
      const told = answers.map((answer) => [JSON.stringify([answer.at, answer.gate]), encodeWhole(answer)] as const);
      story.gates = withAll(story.gates, told, () => `gate answer of deployment ${deployment}`);
    },

    async gateAnswers(deployment) {
      const answers = Object.values(storyOf(deployment).gates).map((text) => decodeJson(text) as GateAnswer);
      return answers.sort((left, right) => left.at - right.at || (left.gate < right.gate ? -1 : 1));
    },

    async recordStep(deployment, step) {
      storyOf(deployment).steps[JSON.stringify([step.step, step.host])] = encodeWhole(step);
    },

    async steps(deployment) {
      return Object.values(storyOf(deployment).steps).map((text) => decodeJson(text) as StepEntry);
    },

    async appendEvents(deployment, events) {
      const story = storyOf(deployment);
      const told = events.map((event) => [String(event.sequence), encodeWhole(event)] as const);
      story.events = withAll(story.events, told, (key) => `event ${key} of deployment ${deployment}`);
    },

    async events(deployment, afterSequence, limit = PAGE_LIMIT) {
      checkLimit(limit);
      const events = Object.values(storyOf(deployment).events).map((text) => decodeJson(text) as LedgerEvent);
      return events
        .filter((event) => event.sequence > afterSequence)
        .sort((left, right) => left.sequence - right.sequence)
        .slice(0, limit);
    },

    async appendLog(deployment, text: LogText) {
      const story = storyOf(deployment);
      const { pieces, bytes, complete } = fitLog(text.text, story.logBytes, logLimit);
      for (const piece of pieces) {
        story.log.push({ sequence: story.log.length + 1, at: text.at, source: text.source, text: piece });
      }
      story.logBytes += bytes;
      return { complete };
    },

    async *readLog(deployment, { after = 0, source } = {}) {
      const { log } = storyOf(deployment);
      // By index, so that what is appended while someone reads is read as well.
      for (let index = after; index < log.length; index += 1) {
        const chunk = log[index];
        if (chunk && (source === undefined || chunk.source === source)) yield { ...chunk };
      }
    },

    async backup(toPath) {
      const snapshot: Snapshot = {
        releases: Object.fromEntries(releases),
        checkRuns: Object.fromEntries(checkRuns),
        versions: Object.fromEntries(versions),
        notices: notices.snapshot(),
        stories: Object.fromEntries(stories),
        attached,
      };
      try {
        await writeFile(toPath, JSON.stringify(snapshot), { flag: "wx", mode: 0o600 });
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === "EEXIST") throw backupExists(toPath);
        throw new ShiplockError({ code: "ledger/backup-failed", message: messageOf(cause), where: toPath, cause });
      }
    },

    async close() {},
  };
}

function orderOf({ image, kind, release, digest }: Attachment): string {
  return [image, kind, release, digest].join("\0");
}

function isSameAttachment(left: Attachment, right: Attachment): boolean {
  return left.subject === right.subject && orderOf(left) === orderOf(right);
}

function isOlder(entry: DeploymentEntry, than: DeploymentEntry): boolean {
  return entry.createdAt < than.createdAt || (entry.createdAt === than.createdAt && entry.id < than.id);
}

function encodeWhole(entry: GateAnswer | StepEntry | LedgerEvent | VersionEntry): string {
  encodeJson("evidence" in entry ? entry.evidence : entry.payload, "payload");
  return encodeJson(entry, "payload");
}

function withAll(
  stored: Record<string, string>,
  told: readonly (readonly [string, string])[],
  what: (key: string) => string,
): Record<string, string> {
  const next = { ...stored };
  for (const [key, text] of told) {
    const present = next[key];
    if (present !== undefined && !sameJson(present, text)) throw conflict(what(key));
    next[key] = present ?? text;
  }
  return next;
}

function newestReleases(releases: readonly ReleaseEntry[]): ReleaseEntry[] {
  return releases.toSorted((left, right) => right.createdAt - left.createdAt || (left.id < right.id ? 1 : -1));
}
