type Variables = Readonly<Record<string, string | undefined>>;

/** The run of a GitHub workflow that a command belongs to. */
export type WorkflowRun = {
  /** Login of who has this attempt going: who pushed, who pressed the button, who started it once more. */
  readonly actor: string;
  /** Login of who had the first attempt going; mostly the same. */
  readonly firstActor: string;
  /** Page of this attempt, for people; null where the runner does not say. */
  readonly address: string | null;
};

/**
 * The workflow run that this is a step of, by the variables that GitHub sets; null anywhere else. A workflow's `env` cannot set them. Who may write the commands of its steps can, as they can do anything
 * else that its token and its secrets allow.
 */
export function workflowRunOf(env: Variables): WorkflowRun | null {
  if (env["GITHUB_ACTIONS"] !== "true") return null;
  const [triggering, first] = [env["GITHUB_TRIGGERING_ACTOR"], env["GITHUB_ACTOR"]].map((name) => name?.trim() ?? "");
  const actor = triggering || first || "";
  if (actor === "") return null;
  return { actor, firstActor: first || actor, address: runAddress(env) };
}

/** Page of this attempt of the run, for people; null where the runner does not say. */
export function runAddress(env: Variables): string | null {
  const [server, repository, run, attempt] = [
    "GITHUB_SERVER_URL",
    "GITHUB_REPOSITORY",
    "GITHUB_RUN_ID",
    "GITHUB_RUN_ATTEMPT",
  ].map((name) => env[name] ?? "");
  if (server === "" || repository === "" || run === "") return null;
  return `${server}/${repository}/actions/runs/${run}${attempt === "" ? "" : `/attempts/${attempt}`}`;
}
