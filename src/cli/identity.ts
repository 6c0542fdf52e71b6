import type { Identity, IdentityProvider } from "../environments/identity.ts";
import { runProgram } from "../process.ts";
import { type CommandContext, whoAsks } from "./context.ts";
import { workflowRunOf } from "./workflow-run.ts";

const gitTimeoutMs = 5_000;

/** The identity of who runs this command. */
export function identities(context: CommandContext, folder: string): IdentityProvider {
  return { identify: () => identityOf(context, folder) };
}

/**
 * Who runs this command. In a workflow on GitHub it is who has the run going, by login and by nothing else, since what git is told there is the workflow's own choice. On any other machine it is the
 * operating system's user, with the name and the mail address that git puts into commits here as further names; nobody vouches for that but the machine, and who may log in to the hosts could say
 * otherwise.
 * @param folder where git is asked
 */
export async function identityOf(context: CommandContext, folder: string): Promise<Identity> {
  const run = workflowRunOf(context.env);
  if (run !== null) return { name: run.actor, aliases: [], source: "github" };
  const [email, name] = await Promise.all(["user.email", "user.name"].map((key) => gitSetting(context, folder, key)));
  const own = whoAsks(context);
  const aliases = [email, name].flatMap((alias) => (alias === undefined || alias === own ? [] : [alias]));
  return { name: own, aliases, source: "local" };
}

/** Who else has asked for the same: who had a workflow's run going that somebody has started once more. Neither of them is a reviewer of it. */
export function alsoAsked({ env }: Pick<CommandContext, "env">): readonly Identity[] {
  const run = workflowRunOf(env);
  if (run === null || run.firstActor.toLowerCase() === run.actor.toLowerCase()) return [];
  return [{ name: run.firstActor, aliases: [], source: "github" }];
}

/** Without git or without the setting there is one name less. */
async function gitSetting({ env }: CommandContext, folder: string, key: string): Promise<string | undefined> {
  const asked = runProgram("git", ["-C", folder, "config", "--get", key], { env, timeoutMs: gitTimeoutMs });
  const result = await asked.catch(() => null);
  const value = result?.exitCode === 0 ? result.stdout.trim() : "";
  return value === "" ? undefined : value;
}
