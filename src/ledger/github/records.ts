import * as z from "zod";
import { ShiplockError } from "../../errors.ts";
import { readAnswer, readItems } from "../../github/api/read-answer.ts";
import type { GitHubClient } from "../../github/api/types.ts";
import { readDocument } from "./document.ts";
import { cutDescription } from "./states.ts";
import type { GitHubRecords, RecordDocument } from "./types.ts";

/** For one call with all its attempts: history is no reason to wait longer. In milliseconds. */
const callTimeoutMs = 10_000;
const mostCheckRuns = 300;
/** Check runs of ours begin so. */
export const checkPrefix = "shiplock / ";
const creating = "POST /repos/{owner}/{repo}/deployments";
const readingStatuses = "GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses";
const saying = "POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses";
const reporting = "POST /repos/{owner}/{repo}/check-runs";
/** In characters; GitHub refuses longer ones. */
const longestText = 65_535;

const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const deployment = z.object({
  id: z.number().int(),
  environment: z.string(),
  payload: z.unknown(),
  creator: z.object({ login: z.string(), type: z.string() }).nullish(),
});
const status = z
  .object({
    id: z.number().int(),
    state: z.enum(["error", "failure", "inactive", "in_progress", "queued", "pending", "success"]),
    description: z.string().nullish(),
    created_at: time,
  })
  .transform(({ id, state, description, created_at: at }) => ({ id, state, description: description ?? "", at }));
const byApp = z.object({ app: z.object({ slug: z.string().nullish() }).nullish() });
const checkRun = z.object({
  name: z.string(),
  ...byApp.shape,
  output: z.object({ text: z.string().nullish() }),
});
/** The app of GitHub's whose token a workflow's run has. */
const workflowApp = "github-actions";

/**
 * The records of a project over GitHub's API.
 * @param options.signal ends every call; when nobody wants to wait for GitHub any more
 */
export function createGitHubRecords(options: {
  client: GitHubClient;
  project: string;
  signal: AbortSignal;
}): GitHubRecords {
  const { client, project, signal } = options;
  const given = { signal, timeoutMs: callTimeoutMs };

  return {
    async list(environment, most) {
      const parameters = { per_page: Math.min(most, 100), ...(environment === null ? {} : { environment }) };
      const asked = { route: "GET /repos/{owner}/{repo}/deployments", parameters };
      const found = await readItems(client, asked, given, deployment, { most });
      return found.flatMap(({ id: number, environment: where, payload, creator }) => {
        const document = readDocument(payload);
        if (document?.project !== project || !isTrusted(creator)) return [];
        return [{ number, environment: where, document }];
      });
    },

    async create(environment, document) {
      const { status: answer, body } = await client.call(
        { route: creating, parameters: creation(environment, document) },
        given,
      );
      if (answer !== 201) throw noDeployment(answer, environment);
      const { id: number, creator } = readAnswer(deployment, body, creating);
      return { number, environment, document, believed: isTrusted(creator) };
    },

    async statuses(record) {
      const parameters = { deployment_id: record, per_page: 100 };
      const { body } = await client.call({ route: readingStatuses, parameters }, given);
      return readAnswer(z.array(status), body, readingStatuses).sort((left, right) => right.id - left.id);
    },

    async say(record, { state, description, environmentUrl, logUrl }) {
      const { body } = await client.call(
        {
          route: saying,
          parameters: {
            ...{ deployment_id: record, state, description },
            // Which records are replaced is ours to say: GitHub leaves those of production alone.
            auto_inactive: false,
            ...(environmentUrl === null ? {} : { environment_url: environmentUrl }),
            ...(logUrl === null ? {} : { log_url: logUrl }),
          },
        },
        given,
      );
      return readAnswer(status, body, saying);
    },

    async checkTexts(commit) {
      if (!/^[0-9a-f]{40}$/.test(commit)) return [];
      // GitHub's own choice is the newest of each name, which may be one of other definitions.
      const parameters = { ref: commit, filter: "all" };
      const asked = { route: "GET /repos/{owner}/{repo}/commits/{ref}/check-runs", parameters };
      // A commit that nobody has pushed (422) is one that nobody else has checked.
      const lenient = { ...given, expect: [422] };
      const found = await readItems(client, asked, lenient, checkRun, { under: "check_runs", most: mostCheckRuns });
      return found.flatMap(({ name, app, output }) => {
        const ours = app?.slug === workflowApp && name.startsWith(checkPrefix);
        return ours && typeof output.text === "string" ? [output.text] : [];
      });
    },

    async reportCheck({ name, commit, externalId, conclusion, startedAt, endedAt, title, summary, text, detailsUrl }) {
      const { body } = await client.call(
        {
          route: reporting,
          parameters: {
            ...{ name, head_sha: commit, external_id: externalId, status: "completed", conclusion },
            ...{ started_at: new Date(startedAt).toISOString(), completed_at: new Date(endedAt).toISOString() },
            output: { title, summary: summary.slice(0, longestText), text },
            ...(detailsUrl === null ? {} : { details_url: detailsUrl }),
          },
        },
        given,
      );
      return { believed: readAnswer(byApp, body, reporting).app?.slug === workflowApp };
    },
  };
}

/**
 * Whether a record may be believed: it names images that may be deployed again. Workflows of the repository and people who may write to it could do that anyway; an app that was
 * installed for something else could not.
 */
function isTrusted(creator: { login: string; type: string } | null | undefined): boolean {
  return creator?.type === "User" || creator?.login === `${workflowApp}[bot]`;
}

/**
 * What makes a deployment on GitHub that is a record and nothing else: of exactly this commit, never of a branch that may move meanwhile; without merging anything; and without
 * asking for statuses, since the gates have judged.
 */
function creation(environment: string, document: RecordDocument): Record<string, unknown> {
  const { commit, kind, release, who } = document;
  return {
    ref: commit,
    task: kind,
    auto_merge: false,
    required_contexts: [],
    environment,
    transient_environment: false,
    production_environment: isProduction(environment),
    description: cutDescription(`${release}, ${kind} by ${who}`),
    payload: document,
  };
}

/** GitHub marks one environment of a repository as the one that users see. What is called `production`, or begins so, is. */
export function isProduction(environment: string): boolean {
  return /^prod(?:uction)?(?:[-_./]|$)/i.test(environment);
}

function noDeployment(answer: number, environment: string): ShiplockError {
  const merged = answer === 202 ? ": it merged the default branch into the commit's branch instead" : "";
  return new ShiplockError({
    code: "ledger/github-no-deployment",
    message: `GitHub answered ${answer} and made no deployment for ${environment}${merged}`,
    remedy: "look at the repository; the deployment itself does not depend on it",
  });
}
