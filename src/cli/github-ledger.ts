import { systemClock } from "../clock.ts";
import { resolvePublicUrls } from "../config/environment.ts";
import type { Config } from "../config/types.ts";
import { stateRules } from "../deploy/states.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import { createBoard } from "../ledger/github/board.ts";
import { createGitHubLedger } from "../ledger/github/ledger.ts";
import { createGitHubRecords } from "../ledger/github/records.ts";
import type { Ledger } from "../ledger/types.ts";
import { maskedJson } from "../secrets/mask.ts";
import type { CommandContext } from "./context.ts";
import { githubAccess } from "./github.ts";
import { isSharedRelease } from "./shared-release.ts";

/**
 * The history on this machine, shared through GitHub where the configuration wants it and GitHub can be asked; as it is where not, with a warning that says why.
 * @param local closed with what is answered
 */
export async function sharedOnGitHub(
  context: CommandContext,
  local: Ledger,
  load: () => Promise<Config>,
): Promise<Ledger> {
  try {
    const config = await load();
    return config.github.ledger ? await githubLedger(context, config, local) : local;
  } catch (error) {
    if (!(error instanceof ShiplockError)) throw error;
    warnOnce(context, messageOf(error));
    return local;
  }
}

/** A history that is shared through GitHub. Without access to GitHub it is the one within. */
export async function githubLedger(context: CommandContext, config: Config, inner: Ledger): Promise<Ledger> {
  const access = await githubAccess(context, config);
  if (access.kind === "none") {
    warnOnce(context, `${access.why}; ${access.remedy}`);
    return inner;
  }
  const repositories = Object.fromEntries(
    Object.values(config.images).map(({ name, repository }) => [name, repository]),
  );
  const stop = new AbortController();
  const records = createGitHubRecords({ client: access.client, project: config.project, signal: stop.signal });
  return createGitHubLedger({
    ...{ inner, states: stateRules, records, project: config.project, clock: systemClock },
    board: createBoard(records, systemClock.elapsed, context.github?.board),
    isRelease: (release) => isSharedRelease(release, repositories),
    addressOf: (environment) => addressOf(context, config, environment),
    runAddress: runAddress(context.env),
    warn: (why) => warnOnce(context, why),
    masked: (value) => JSON.parse(maskedJson(value, context.output.mask) ?? "null") as typeof value,
    silence: context.github?.silence ?? { until: 0 },
    stop: () => stop.abort(new Error("the history is closed")),
  });
}

function warnOnce({ output, github }: CommandContext, why: string): void {
  if (github?.warned.has(why) === true) return;
  github?.warned.add(why);
  output.note(`warning: history is not shared through GitHub: ${why}`);
}

/** Where an environment answers, for people. */
function addressOf(context: CommandContext, config: Config, name: string): string | null {
  const environment = config.environments[name];
  if (environment === undefined) return null;
  try {
    const { url } = resolvePublicUrls(config, environment, context.env);
    return url !== undefined && /^https?:\/\//.test(url) ? url : null;
  } catch (error) {
    // A variable in it that is not set: whoever deploys is told of that; the record does without.
    if (error instanceof ShiplockError) return null;
    throw error;
  }
}

/** The page of the workflow's run that this is, by its attempt. */
export function runAddress(env: CommandContext["env"]): string | null {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = env;
  if (!server || !repository || !run) return null;
  return `${server}/${repository}/actions/runs/${run}`;
}
