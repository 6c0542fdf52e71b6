import type { Identity, IdentityProvider } from "../environments/identity.ts";
import { runProgram } from "../process.ts";
import { type CommandContext, whoAsks } from "./context.ts";

const gitTimeoutMs = 5_000;

/** The identity of who works at this machine. */
export function localIdentities(context: CommandContext, folder: string): IdentityProvider {
  return { identify: () => localIdentity(context, folder) };
}

/**
 * Who works at this machine: the operating system's user, with the name and the mail address that git puts into commits here as further names. Nobody vouches for it but the
 * machine: who may log in to the hosts could say otherwise.
 * @param folder where git is asked
 */
export async function localIdentity(context: CommandContext, folder: string): Promise<Identity> {
  const [email, name] = await Promise.all(["user.email", "user.name"].map((key) => gitSetting(context, folder, key)));
  const own = whoAsks(context);
  const aliases = [email, name].flatMap((alias) => (alias === undefined || alias === own ? [] : [alias]));
  return { name: own, aliases, source: "local" };
}

/** Without git or without the setting there is one name less. */
async function gitSetting({ env }: CommandContext, folder: string, key: string): Promise<string | undefined> {
  const asked = runProgram("git", ["-C", folder, "config", "--get", key], { env, timeoutMs: gitTimeoutMs });
  const result = await asked.catch(() => null);
  const value = result?.exitCode === 0 ? result.stdout.trim() : "";
  return value === "" ? undefined : value;
}
