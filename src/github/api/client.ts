import { request as octokit } from "@octokit/request";
import { RequestError } from "@octokit/request-error";
import type { Clock } from "../../clock.ts";
import { answerError, badToken, unreachable } from "./errors.ts";
import { nextPage } from "./next-page.ts";
import { isRateLimited, repeatAfterMs } from "./repeat.ts";
import type { CallOptions, GitHubAnswer, GitHubCall, GitHubClient, GitHubRepository } from "./types.ts";

export type GitHubClientOptions = {
  readonly repository: GitHubRepository;
  /** Address of the REST API without a last slash; GitHub's own unless given. */
  readonly api?: string;
  /** The token for a call; asked for each, because some expire. */
  readonly token: (signal: AbortSignal) => Promise<string>;
  readonly clock: Clock;
  /** From 0 up to 1, so that many runners do not come back at the same moment. */
  readonly random: () => number;
};

type Answered = { status: number; body: unknown; headers: Readonly<Record<string, unknown>> };

const publicApi = "https://api.github.com";
/** For one call with all its attempts. */
const callTimeoutMs = 30_000;
/** For one attempt of what only reads: a connection that hangs leaves time for another. */
const readTimeoutMs = 10_000;
const mostAttempts = 4;
/** What GitHub announces about its API is for who maintains this, not for who deploys. */
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** A client of GitHub's REST API. Nothing is asked before the first call. */
export function createGitHubClient(options: GitHubClientOptions): GitHubClient {
  const { repository, api = publicApi, token, clock, random } = options;
  const defaults = octokit.defaults({
    baseUrl: api,
    headers: { "user-agent": "shiplock", "x-github-api-version": "2022-11-28" },
  });

  return { repository, webAddress: webAddressOf(api, repository), call, items };

  async function call(asked: GitHubCall, given: CallOptions): Promise<GitHubAnswer> {
    const { status, body } = await answered(asked, given);
    return { status, body };
  }

  async function* items(
    asked: GitHubCall,
    given: CallOptions,
    list: (body: unknown) => readonly unknown[] = listItself,
  ): AsyncIterable<unknown> {
    const parameters = { per_page: 100, ...asked.parameters };
    for (let page: number | null = 1; page !== null; ) {
      const answer: Answered = await answered({ ...asked, parameters: { ...parameters, page } }, given);
      yield* list(answer.body);
      const next = nextPage(answer.headers["link"]);
      // A list that leads back to where it began would never end.
      page = next !== null && next > page ? next : null;
    }
  }

  async function answered(asked: GitHubCall, given: CallOptions): Promise<Answered> {
    const { signal, timeoutMs = callTimeoutMs } = given;
    const reads = asked.route.startsWith("GET ");
    const end = clock.elapsed() + timeoutMs;
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    for (let attempt = 1; ; attempt += 1) {
      try {
        const attemptEnd = reads ? AbortSignal.any([bounded, AbortSignal.timeout(readTimeoutMs)]) : bounded;
        return await once(asked, attemptEnd, given.expect ?? []);
      } catch (error) {
        signal.throwIfAborted();
        const wait = attempt < mostAttempts ? repeatAfterMs(error, { reads, attempt, now: clock.now(), random }) : null;
        if (wait === null || clock.elapsed() + wait >= end)
          throw told(error, asked, bounded.aborted ? timeoutMs : null);
        await clock.wait(wait, signal);
      }
    }
  }

  async function once(
    { route, parameters }: GitHubCall,
    signal: AbortSignal,
    expect: readonly number[],
  ): Promise<Answered> {
    const authorization = authorizationOf(demandSendable(await token(signal)));
    try {
      const { status, data, headers } = await defaults(route, {
        // What a route has no place for would go into its query.
        ...(route.includes("{owner}") ? { owner: repository.owner, repo: repository.name } : {}),
        ...parameters,
        headers: { authorization },
        request: { signal, fetch: globalThis.fetch, log: silent },
      });
      // What is no whole JSON comes as text: the connection broke while it was read.
      if (typeof data === "string" && /json/.test(headers["content-type"] ?? "")) throw brokenOff(route);
      return { status, body: data, headers };
    } catch (error) {
      if (!(error instanceof RequestError) || error.response === undefined || isRateLimited(error)) throw error;
      const { status, response } = error;
      if (!expect.includes(status)) throw error;
      return { status, body: response.data, headers: response.headers };
    }
  }

  function told(error: unknown, { route }: GitHubCall, overAfterMs: number | null): unknown {
    if (error instanceof RequestError && error.response !== undefined) return answerError(error, route, repository);
    if (error instanceof RequestError || overAfterMs !== null) return unreachable(error, route, api, overAfterMs);
    return error;
  }
}

/** A header that cannot be sent is repeated by who refuses it, and with it the token. */
function demandSendable(token: string): string {
  if (!/^[\x21-\x7e]+$/.test(token)) throw badToken();
  return token;
}

/** What an App signs for itself (a JSON Web Token) GitHub takes under this name alone. */
function authorizationOf(token: string): string {
  return `${/^ey[^.]*\.[^.]+\.[^.]+$/.test(token) ? "bearer" : "token"} ${token}`;
}

function brokenOff(route: string): RequestError {
  const request = { method: "GET", url: route, headers: {} } as const;
  return new RequestError("the answer broke off", 500, { request });
}

function ignore(): void {}

function listItself(body: unknown): readonly unknown[] {
  return Array.isArray(body) ? body : [];
}

/** GitHub's own API has a host of its own; an Enterprise Server has it below `/api/v3`. */
function webAddressOf(api: string, { owner, name }: GitHubRepository): string {
  const base = api === publicApi ? "https://github.com" : api.replace(/\/api\/v3$/, "");
  return `${base}/${owner}/${name}`;
}
