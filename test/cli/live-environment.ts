import assert from "node:assert/strict";
import { join } from "node:path";
import type { CommandContext } from "../../src/cli/context.ts";
import type { Flags } from "../../src/cli/commands/table.ts";
import { endIfRefused, orEndedEarly } from "../../src/cli/early.ts";
import { createOutput } from "../../src/cli/output.ts";
import type { Config } from "../../src/config/types.ts";
import type { Commit } from "../../src/release/source.ts";
import type { ReleaseDocument } from "../../src/release/types.ts";
import type { TargetSession } from "../../src/targets/types.ts";
import { changed, load } from "../config/example.ts";
import { startDeployer } from "../fakes/deployer.ts";
import type { SocketFleet } from "../fakes/socket-fleet.ts";
import { createWorld, type World } from "../fakes/world.ts";

/** An environment in which a release is live, and a command that works with it. */
export type LiveEnvironment = {
  readonly session: TargetSession;
  readonly world: World;
  readonly context: CommandContext;
  /** What the command wrote. */
  readonly said: readonly string[];
  /** Asks the gates about a commit before anything is built; -1 where none of them blocks, or the exit code. */
  early(config: Config, flags: Flags, commit: Commit): Promise<number>;
};

/** The configuration of the fakes' environment, with further keys of it, and of the project. */
export function configWith(gates: readonly string[], more = ""): Config {
  const lines = gates.map((gate) => `\n    ${gate}`).join("");
  const keys = changed(["staging:", "production:"], ["strategy: rolling", `strategy: rolling${lines}`]);
  return load(`${keys}${more}`);
}

/** Works on an environment in which the first release is live, of the branch `feature/x` and by hand. */
export async function withLiveEnvironment<T>(
  { fleet, folder, env = {} }: { fleet: SocketFleet; folder: string; env?: Readonly<Record<string, string>> },
  [first, ...others]: readonly [ReleaseDocument, ...ReleaseDocument[]],
  work: (live: LiveEnvironment) => Promise<T>,
): Promise<T> {
  const said: string[] = [];
  const stdout = { write: (text: string) => said.push(text) };
  const output = createOutput({ json: true, stdout, stderr: { write: () => true }, environment: {} });
  const context: CommandContext = {
    ...{ options: {}, cwd: folder, output, signal: new AbortController().signal },
    env: {
      SHIPLOCK_LEDGER: join(folder, `${Math.random()}.db`),
      SHIPLOCK_WHO: "ada",
      PATH: process.env["PATH"],
      ...env,
    },
    commandLine: "shiplock deploy production",
  };
  const feature: ReleaseDocument = { ...first, release: { ...first.release, ref: "feature/x", refKind: "branch" } };
  const world = createWorld(fleet, [feature, ...others]);
  const deployer = await startDeployer(world);
  const { session } = deployer;
  try {
    await deployer.deploy(feature);
    const early: LiveEnvironment["early"] = (config, flags, commit) => {
      const environment = config.environments["production"];
      assert.ok(environment !== undefined);
      const source = { commit, dirty: false };
      const notices = { event: () => undefined, reviews: async () => undefined };
      const asked = endIfRefused(context, config, environment, session, "deploy", flags, source, notices);
      return orEndedEarly(asked.then(() => -1));
    };
    return await work({ session, world, context, said, early });
  } finally {
    await deployer.close();
  }
}
