import { createHash, scrypt } from "node:crypto";
import { promisify } from "node:util";
import type { ContextEntry } from "./context.ts";

/** All that decides what an image holds. */
export type ImageInputs = {
  context: readonly ContextEntry[];
  /** The Dockerfile's text: it need not be in the context. */
  dockerfile: string;
  target: string | null;
  platforms: readonly string[];
  args: Readonly<Record<string, string>>;
  /** By name, what `hideSecret` makes of the value. */
  secrets: Readonly<Record<string, string>>;
  network: string | null;
  /** By `reference platform`, the digest of the image's configuration. */
  bases: Readonly<Record<string, string>>;
};

/** Counts up when what goes in changes, so that no release of an earlier Shiplock fits by chance. */
const version = 1;

/** One value that differs whenever anything differs that decides what an image holds: `sha256:…`. */
export function inputsHash(inputs: ImageInputs): string {
  const { context, dockerfile, target, platforms, args, secrets, network, bases } = inputs;
  const hash = createHash("sha256");
  hash.update(
    JSON.stringify([
      version,
      dockerfile,
      target,
      [...platforms].sort(),
      sorted(args),
      sorted(secrets),
      network,
      sorted(bases),
    ]),
  );
  const entries = context.map(({ path, kind, mode, content }) => JSON.stringify([path, kind, mode, content]));
  for (const entry of entries.sort()) hash.update(`\n${entry}`);
  return `sha256:${hash.digest("hex")}`;
}

const derive = promisify<string, string, number, Buffer>(scrypt);

/**
 * What stands for a secret's value among the inputs. Their hash is recorded, so it is made slow on purpose: a short value cannot be found by trying many.
 * @param about keeps the same value apart in another project
 */
export async function hideSecret(value: string, about: string): Promise<string> {
  return (await derive(value, `shiplock inputs of ${about}`, 32)).toString("hex");
}

function sorted(record: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(record).sort(([left], [right]) => (left < right ? -1 : 1));
}
