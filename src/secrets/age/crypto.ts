import { ShiplockError } from "../../errors.ts";

/** The identity's half that everybody may know, `age1…`, and the half that only its owner has, `AGE-SECRET-KEY-1…`. */
export type AgeKey = { readonly identity: string; readonly recipient: string };

/** The library is loaded when the first value is encrypted or decrypted: most commands do neither. */
function library() {
  return import("age-encryption");
}

/** A new key, from the system's randomness. */
export async function makeKey(): Promise<AgeKey> {
  const age = await library();
  const identity = await age.generateX25519Identity();
  return { identity, recipient: await age.identityToRecipient(identity) };
}

/** The public half of an identity. */
export async function recipientOf(identity: string): Promise<string> {
  return (await library()).identityToRecipient(identity);
}

/** Whether text is a recipient that values can be encrypted for. */
export async function isRecipient(text: string): Promise<boolean> {
  const age = await library();
  try {
    new age.Encrypter().addRecipient(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * A value for one name, in age's armor (text). The name is encrypted with it, so that a value moved to another name is found out.
 * @param recipients at least one
 */
export async function encryptValue(name: string, value: string, recipients: readonly string[]): Promise<string> {
  const age = await library();
  const encrypter = new age.Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return age.armor.encode(await encrypter.encrypt(JSON.stringify({ name, value })));
}

/**
 * The value that `encryptValue` made.
 * @param file for people
 * @throws ShiplockError `secrets/age-key` when no identity fits, `secrets/age-file` when the text is damaged or belongs to another name
 */
export async function decryptValue(
  name: string,
  armored: string,
  identities: readonly string[],
  file: string,
): Promise<string> {
  const age = await library();
  const decrypter = new age.Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  let bytes: Uint8Array;
  try {
    bytes = age.armor.decode(armored.trim());
  } catch {
    // What the library says of broken armor may quote it.
    throw damaged(name, file, "is not in age's armor");
  }
  const text = await decrypter.decrypt(bytes, "text").catch((cause: unknown) => {
    if (/no identity matched/i.test(cause instanceof Error ? cause.message : "")) throw noKeyFits(name, file);
    throw damaged(name, file, "is damaged");
  });
  const content = parsed(text);
  if (content === null) throw damaged(name, file, "was not written by `shiplock secrets`");
  if (content.name !== name) throw damaged(name, file, "is the value of another name, moved here");
  return content.value;
}

function parsed(text: string): { name: string; value: string } | null {
  try {
    const content = JSON.parse(text) as { name?: unknown; value?: unknown } | null;
    if (typeof content?.name !== "string" || typeof content.value !== "string") return null;
    return { name: content.name, value: content.value };
  } catch {
    return null;
  }
}

function noKeyFits(name: string, file: string): ShiplockError {
  return new ShiplockError({
    code: "secrets/age-key",
    blame: "usage",
    message: `${file}: ${name} is not encrypted for the age key of this machine`,
    remedy:
      "ask somebody who has one of its keys to add yours (`shiplock secrets rotate --recipient name=age1…`), or set SHIPLOCK_AGE_KEY or SHIPLOCK_AGE_KEY_FILE to one that fits",
  });
}

function damaged(name: string, file: string, what: string): ShiplockError {
  return new ShiplockError({
    code: "secrets/age-file",
    blame: "usage",
    message: `${file}: the value of ${name} ${what}`,
    remedy: "take the line back from git, or set it anew with `shiplock secrets set`",
  });
}
