import * as z from "zod";
import type { Clock } from "../../clock.ts";
import { ShiplockError } from "../../errors.ts";
import { createGitHubClient } from "../api/client.ts";
import type { GitHubClient, GitHubRepository } from "../api/types.ts";
import { readAppKey, signedAsApp } from "./app-key.ts";
import { readAnswer } from "../api/read-answer.ts";
import { withRemedy } from "./remedy.ts";

/** What a token may do, as GitHub names it: `{ deployments: "write", contents: "read" }`. */
export type TokenPermissions = Readonly<Record<string, "read" | "write">>;

/**
 * Tokens of a GitHub App for the repositories that it is installed on. Each is for one repository, may do what was asked for and nothing else, and ends within an hour.
 *
 * - **Concurrency.** Who asks for the same at the same moment gets the same token, which is made once.
 * - **Time.** A token is handed out again until shortly before it ends. An answer comes within a minute, or when the signal says so; what others wait for goes on.
 * - **Errors.** `github/app-refused` (id, key or clock are wrong), `github/app-not-installed`, `github/app-suspended`, `github/app-permissions`, and those of `GitHubClient`.
 */
export type InstallationTokens = {
  token(repository: GitHubRepository, permissions: TokenPermissions, options: { signal: AbortSignal }): Promise<string>;
};

export type InstallationTokensOptions = {
  /** Id of the App, or its client id. */
  readonly app: string;
  /** Its private key, PEM. */
  readonly key: string;
  /** Address of the REST API without a last slash; GitHub's own unless given. */
  readonly api?: string;
  readonly clock: Clock;
  /** From 0 up to 1. */
  readonly random: () => number;
  /** Told of every token before anybody gets it, so that nothing that is said holds it. */
  readonly hide: (token: string) => void;
};

/** A token that ends during a call is worth nothing. */
const spareMs = 5 * 60_000;

const installation = z.object({ id: z.int(), suspended_at: z.string().nullish() });
const made = z.object({ token: z.string().min(1), expires_at: z.iso.datetime({ offset: true }) });

/** @throws {ShiplockError} `github/app-key` */
export function createInstallationTokens(options: InstallationTokensOptions): InstallationTokens {
  const { app, api, clock, random, hide } = options;
  const key = readAppKey(options.key);
  const kept = new Map<string, { token: string; endsAt: number }>();
  const underWay = new Map<string, Promise<string>>();

  function asApp(repository: GitHubRepository): GitHubClient {
    const token = async (): Promise<string> => signedAsApp(app, key, clock.now());
    return createGitHubClient({ repository, token, clock, random, ...(api === undefined ? {} : { api }) });
  }

  async function make(repository: GitHubRepository, permissions: TokenPermissions, name: string): Promise<string> {
    const client = asApp(repository);
    // Whoever asked may be gone, and others still wait: the client's own bounds end it.
    const { signal } = new AbortController();
    try {
      const id = await installationOf(client, signal);
      const { token, endsAt } = await newToken(client, id, permissions, signal);
      hide(token);
      forgetEnded(clock.now().getTime());
      kept.set(name, { token, endsAt });
      return token;
    } catch (error) {
      throw withRemedy(
        error,
        "github/unauthorized",
        "look at the App's id, whether the key is one of this App's, and whether the clock here is right",
        "github/app-refused",
      );
    }
  }

  function forgetEnded(now: number): void {
    for (const [name, { endsAt }] of kept) if (endsAt <= now) kept.delete(name);
  }

  return {
    token: async (repository, permissions, { signal }) => {
      signal.throwIfAborted();
      const name = nameOf(repository, permissions);
      const known = kept.get(name);
      if (known !== undefined && known.endsAt - spareMs > clock.now().getTime()) return known.token;
      let making = underWay.get(name);
      if (making === undefined) {
        making = make(repository, permissions, name).finally(() => underWay.delete(name));
        underWay.set(name, making);
      }
      return until(making, signal);
    },
  };
}

async function installationOf(client: GitHubClient, signal: AbortSignal): Promise<number> {
  const { owner, name } = client.repository;
  const { status, body } = await client.call(
    { route: "GET /repos/{owner}/{repo}/installation" },
    { signal, expect: [404] },
  );
  if (status === 404)
    throw new ShiplockError({
      code: "github/app-not-installed",
      message: `the GitHub App is not installed on ${owner}/${name}`,
      remedy: `install it there: on the App's page, "Install App"; an installation for selected repositories has to name ${name}`,
    });
  const { id, suspended_at: suspended } = readAnswer(installation, body, `the App's installation on ${owner}/${name}`);
  if (suspended)
    throw new ShiplockError({
      code: "github/app-suspended",
      message: `the GitHub App is suspended on ${owner}/${name} since ${suspended}`,
      remedy: `whoever owns ${owner} lets it go on under Settings, GitHub Apps`,
    });
  return id;
}

async function newToken(
  client: GitHubClient,
  id: number,
  permissions: TokenPermissions,
  signal: AbortSignal,
): Promise<{ token: string; endsAt: number }> {
  const { owner, name } = client.repository;
  const route = "POST /app/installations/{installation_id}/access_tokens";
  const parameters = { installation_id: id, repositories: [name], permissions };
  const { status, body } = await client.call({ route, parameters }, { signal, expect: [422] });
  if (status === 422)
    throw new ShiplockError({
      code: "github/app-permissions",
      message: `the GitHub App may not do on ${owner}/${name} all that is asked for: ${wordsOf(permissions)}`,
      remedy:
        "give it these permissions on its page, and let the owner of the repository accept them; GitHub asks for that by mail",
    });
  const { token, expires_at: end } = readAnswer(made, body, `the token for ${owner}/${name}`);
  return { token, endsAt: Date.parse(end) };
}

function wordsOf(permissions: TokenPermissions): string {
  return Object.entries(permissions)
    .map(([name, access]) => `${name}: ${access}`)
    .sort()
    .join(", ");
}

/** GitHub does not tell small letters in names from capitals. */
function nameOf({ owner, name }: GitHubRepository, permissions: TokenPermissions): string {
  return `${owner}/${name} ${wordsOf(permissions)}`.toLowerCase();
}

/** Waits for work that goes on without this one. */
async function until<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const left = Promise.withResolvers<never>();
  const leave = (): void => left.reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([work, left.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
