/** A repository on GitHub. */
export type GitHubRepository = { readonly owner: string; readonly name: string };

/**
 * One call of GitHub's REST API: the route as its description writes it (`POST /repos/{owner}/{repo}/deployments`) and what fills its braces, its query and its body.
 * `owner` and `repo` are filled in by the client where they are not given.
 */
export type GitHubCall = { readonly route: string; readonly parameters?: Readonly<Record<string, unknown>> };

/** What GitHub answered, which nobody has looked at yet. */
export type GitHubAnswer = { readonly status: number; readonly body: unknown };

/**
 * GitHub's REST API as one repository sees it.
 *
 * - **What comes back** is `unknown`: who calls checks what it needs. Status codes from 200 to 299 are answers, and so are those in `expect`; all others are errors.
 * - **What may be repeated.** What only reads is repeated by the client after a failure that may pass, and so is everything that GitHub refused for having been asked too often (primary and
 *   secondary limits); all of it within the time of one call. A write that got no answer is not repeated: whether it took effect is for the caller to find out.
 * - **Time.** Every call ends within `timeoutMs` (30 seconds unless told otherwise), or when the signal says so.
 * - **Errors.** `github/unreachable`, `github/unauthorized` (401), `github/forbidden` (403), `github/not-found` (404), `github/conflict` (409), `github/invalid` (422),
 *   `github/rate-limited`, `github/bad-token`, `github/failed` (everything else). None of them names the token.
 */
export type GitHubClient = {
  readonly repository: GitHubRepository;
  /** For people: `https://github.com/acme/shop`. */
  readonly webAddress: string;
  call(call: GitHubCall, options: CallOptions): Promise<GitHubAnswer>;
  /** Every item of a list, page by page, newest first as GitHub has them; `list` finds the items in an answer that is no list itself. Stops asking when nobody goes on. */
  items(call: GitHubCall, options: CallOptions, list?: (body: unknown) => readonly unknown[]): AsyncIterable<unknown>;
};

export type CallOptions = {
  readonly signal: AbortSignal;
  /** Further status codes that are an answer: `[404]`. */
  readonly expect?: readonly number[];
  readonly timeoutMs?: number;
};
