type Variables = Readonly<Record<string, string | undefined>>;

/** Address of the workflow run that this is a step of; null where the runner did not say. */
export function runAddress(env: Variables): string | null {
  const repository = repositoryAddress(env);
  const run = env["GITHUB_RUN_ID"] ?? "";
  return repository === null || run === "" ? null : `${repository}/actions/runs/${run}`;
}

/** Address of the repository, for people. */
export function repositoryAddress(env: Variables): string | null {
  const server = env["GITHUB_SERVER_URL"] ?? "";
  const repository = env["GITHUB_REPOSITORY"] ?? "";
  return server === "" || repository === "" ? null : `${server}/${repository}`;
}
