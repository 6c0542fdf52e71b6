import type { GitHubSimulator } from "../../../packages/github-simulator/src/index.ts";
import { type Clock, systemClock } from "../../../src/clock.ts";
import { createGitHubClient } from "../../../src/github/api/client.ts";
import { createBoard } from "../../../src/ledger/github/board.ts";
import { createGitHubLedger, type Silence } from "../../../src/ledger/github/ledger.ts";
import { createGitHubRecords } from "../../../src/ledger/github/records.ts";
import { stateRules } from "../../../src/deploy/states.ts";
import { createMemoryLedger } from "../../../src/ledger/memory.ts";
import type { Ledger, StateRules } from "../../../src/ledger/types.ts";
import { createMasker, maskedJson } from "../../../src/secrets/mask.ts";

type Given = {
  states?: StateRules;
  inner?: Ledger;
  token?: string;
  project?: string;
  /** How often faster than usual its patience is at an end. */
  impatience?: number;
  /** What stands in no text that leaves the machine. */
  secret?: string;
  silence?: Silence;
};

/** The ledger of one machine, shared through a GitHub; with a ledger of its own that knows nothing yet, unless one is given. */
export function openShared(
  github: Pick<GitHubSimulator, "api" | "repository" | "token">,
  given: Given = {},
): { ledger: Ledger; warnings: string[] } {
  const { states = stateRules, project = "shop", token = github.token(), impatience = 1, secret } = given;
  const { inner = createMemoryLedger({ states }) } = given;
  const { api, repository } = github;
  const stop = new AbortController();
  const clock: Clock = {
    ...systemClock,
    wait: (milliseconds, signal) => systemClock.wait(milliseconds / impatience, signal),
  };
  const client = createGitHubClient({
    ...{ repository, api, clock, random: Math.random },
    token: async () => token,
  });
  const records = createGitHubRecords({ client, project, signal: stop.signal });
  const warnings: string[] = [];
  const ledger = createGitHubLedger({
    ...{ inner, states, records, project, clock },
    board: createBoard(records, systemClock.elapsed),
    isRelease: () => true,
    addressOf: (environment) => `https://${environment}.example.com`,
    runAddress: "https://github.com/acme/shop/actions/runs/7",
    warn: (why) => void warnings.push(why),
    masked: (value) =>
      JSON.parse(maskedJson(value, createMasker(secret === undefined ? [] : [secret])) ?? "null") as typeof value,
    silence: given.silence ?? { until: 0 },
    stop: () => stop.abort(new Error("closed")),
  });
  return { ledger, warnings };
}
