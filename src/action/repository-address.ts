type Variables = Readonly<Record<string, string | undefined>>;

/** Address of the repository, for people. */
export function repositoryAddress(env: Variables): string | null {
  const server = env["GITHUB_SERVER_URL"] ?? "";
  const repository = env["GITHUB_REPOSITORY"] ?? "";
  return server === "" || repository === "" ? null : `${server}/${repository}`;
}
