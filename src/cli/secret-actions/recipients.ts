import { ShiplockError } from "../../errors.ts";
import { isRecipient } from "../../secrets/age/crypto.ts";
import { listFlag } from "../arguments.ts";
import type { Flags } from "../commands/table.ts";

/**
 * Public keys by the name of their owner, as `--recipient ada=age1…` gives them.
 * @throws ShiplockError `secrets/bad-recipient`
 */
export async function namedRecipients(flags: Flags): Promise<Record<string, string>> {
  const named = listFlag(flags, "recipient").map((written): [string, string] => {
    const at = written.indexOf("=");
    return [written.slice(0, Math.max(at, 0)), written.slice(at + 1)];
  });
  for (const [name, key] of named) {
    if (/^[\p{L}\p{N}@._-]{1,64}$/u.test(name) && (await isRecipient(key))) continue;
    throw new ShiplockError({
      code: "secrets/bad-recipient",
      blame: "usage",
      // What was given may be the secret half of a key.
      message: "--recipient takes a name and a public key of age",
      remedy: "write --recipient ada=age1…; `shiplock secrets init` says the public half of a key",
    });
  }
  return Object.fromEntries(named);
}
