import { ShiplockError } from "../errors.ts";

/**
 * Values of secrets by name, from the process environment. All that are missing or empty are named at once.
 * @param who what wants them, for the message
 * @throws ShiplockError `secrets/missing`
 */
export function readSecrets(
  names: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  who: string,
): Record<string, string> {
  const missing = names.filter((name) => (env[name] ?? "") === "");
  if (missing.length > 0) {
    throw new ShiplockError({
      code: "secrets/missing",
      blame: "usage",
      message: `${who} needs ${missing.length === 1 ? "the secret" : "the secrets"} ${missing.join(", ")}, and ${missing.length === 1 ? "it is" : "they are"} not set or empty`,
      remedy: `set ${missing.length === 1 ? "it" : "them"} as environment ${missing.length === 1 ? "variable" : "variables"} of the command; nothing was touched`,
    });
  }
  return Object.fromEntries(names.map((name) => [name, env[name] ?? ""]));
}
