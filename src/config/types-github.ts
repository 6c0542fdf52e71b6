/** How this project is at home on GitHub. Everything has a default, so that most need no word of it. */
export type GitHubSettings = {
  /** `undefined`: the repository of the workflow's run, or else of the remote `origin`. */
  readonly repository: { readonly owner: string; readonly name: string } | undefined;
  /** Address of the REST API without a last slash; `undefined`: that of the workflow's run, or else GitHub's own. */
  readonly api: string | undefined;
  /** Name of the secret with the token; `undefined`: `GITHUB_TOKEN`, then `GH_TOKEN`. */
  readonly token: string | undefined;
  /** What generated workflows `use`; `undefined`: the Action of this very Shiplock. */
  readonly action: { readonly uses: string; readonly version: string | undefined } | undefined;
  /** `runs-on` of generated jobs. */
  readonly runner: readonly string[];
  /** Whether history is written to GitHub's deployments where a workflow runs. */
  readonly ledger: boolean;
};
