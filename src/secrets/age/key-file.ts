import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf, ShiplockError } from "../../errors.ts";
import type { Variables } from "../provider.ts";
import { type AgeKey, makeKey, recipientOf } from "./crypto.ts";

const identityPattern = /^AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]+$/;

/** Where this user's key lies: `SHIPLOCK_AGE_KEY_FILE`, or in the folder for configuration. Never in a repository. */
export function keyFile(env: Variables): string {
  const named = env["SHIPLOCK_AGE_KEY_FILE"] ?? "";
  if (named !== "") return named;
  const configured = env["XDG_CONFIG_HOME"] ?? "";
  return join(configured === "" ? join(env["HOME"] ?? "/", ".config") : configured, "shiplock", "age.key");
}

/**
 * The identities of this machine: those in `SHIPLOCK_AGE_KEY` (for CI), otherwise those in the key file, in the form that `age-keygen` writes.
 * @throws ShiplockError `secrets/age-key` when there is none, when it is none, or when others may read the file
 */
export async function readIdentities(env: Variables): Promise<string[]> {
  const given = env["SHIPLOCK_AGE_KEY"] ?? "";
  if (given !== "") return identitiesIn(given, "SHIPLOCK_AGE_KEY");
  const file = keyFile(env);
  let text: string;
  try {
    await refuseReadable(file);
    text = await readFile(file, "utf8");
  } catch (cause) {
    if (cause instanceof ShiplockError) throw cause;
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw keyError(
      missing
        ? `there is no age key on this machine: ${file} does not exist`
        : `the age key cannot be read: ${messageOf(cause)}`,
      "set SHIPLOCK_AGE_KEY or SHIPLOCK_AGE_KEY_FILE, or make a key with `shiplock secrets init` and have somebody add it",
    );
  }
  return identitiesIn(text, file);
}

/** The public halves of this machine's identities; none where there is no key. */
export async function ownRecipients(env: Variables): Promise<string[]> {
  if ((env["SHIPLOCK_AGE_KEY"] ?? "") === "" && !(await isThere(keyFile(env)))) return [];
  return Promise.all((await readIdentities(env)).map(recipientOf));
}

/** Writes a new key for this user (mode 0600, its folder 0700) and answers it; null where there is one already. */
export async function makeKeyFile(env: Variables, now: Date): Promise<AgeKey | null> {
  const file = keyFile(env);
  if ((env["SHIPLOCK_AGE_KEY"] ?? "") !== "" || (await isThere(file))) return null;
  const key = await makeKey();
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const text = `# created: ${now.toISOString()}\n# public key: ${key.recipient}\n${key.identity}\n`;
  await writeFile(file, text, { mode: 0o600, flag: "wx" });
  return key;
}

function identitiesIn(text: string, where: string): string[] {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (lines.length > 0 && lines.every((line) => identityPattern.test(line))) return lines;
  throw keyError(
    `${where} holds no age key`,
    "it needs one line that begins with AGE-SECRET-KEY-1, as `shiplock secrets init` or `age-keygen` writes it",
  );
}

async function refuseReadable(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o077) === 0) return;
  throw keyError(`others may read the age key ${file}`, `run \`chmod 600 ${file}\``);
}

async function isThere(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw cause;
  }
}

function keyError(message: string, remedy: string): ShiplockError {
  return new ShiplockError({ code: "secrets/age-key", blame: "usage", message, remedy });
}
