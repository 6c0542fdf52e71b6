import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { awsAccess } from "../aws/access.ts";
import { awsFailed } from "../aws/failures.ts";
import type { ProviderSettings, SecretAnswer, SecretProvider, Variables } from "../provider.ts";
import { providerFailed } from "./failures.ts";

type Settings = Extract<ProviderSettings, { kind: "aws-secrets-manager" }>;

/** AWS Secrets Manager: one secret that is a JSON object of names and values, or one secret for each name under a prefix. */
export function awsSecretsManager(settings: Settings, env: Variables): SecretProvider {
  const { secret, prefix } = settings;
  const name = `AWS Secrets Manager ${secret ?? `${prefix ?? ""}*`}`;
  return {
    kind: "aws-secrets-manager",
    name,
    read: async (names, signal) => {
      try {
        const { SecretsManagerClient } = await import("@aws-sdk/client-secrets-manager");
        const client = new SecretsManagerClient(await awsAccess(settings, env, signal));
        try {
          return secret === undefined
            ? await readEach(client, prefix ?? "", names, signal)
            : await readObject(client, secret, names, name, signal);
        } finally {
          client.destroy();
        }
      } catch (cause) {
        throw awsFailed(name, cause, signal);
      }
    },
  };
}

type Held = { text: string | null; updatedAt: Date | null };

/** Null for no such secret. The version's own time is when the value was set. */
async function valueOf(client: SecretsManagerClient, id: string, signal: AbortSignal): Promise<Held | null> {
  const { GetSecretValueCommand } = await import("@aws-sdk/client-secrets-manager");
  try {
    const answer = await client.send(new GetSecretValueCommand({ SecretId: id }), { abortSignal: signal });
    return { text: answer.SecretString ?? null, updatedAt: answer.CreatedDate ?? null };
  } catch (cause) {
    if (cause instanceof Error && cause.name === "ResourceNotFoundException") return null;
    throw cause;
  }
}

async function readEach(
  client: SecretsManagerClient,
  prefix: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, SecretAnswer>> {
  const held = await Promise.all(
    names.map(async (name) => [name, await valueOf(client, `${prefix}${name}`, signal)] as const),
  );
  return new Map(
    held.flatMap(([name, one]): [string, SecretAnswer][] => {
      if (one === null) return [];
      const { text, updatedAt } = one;
      if (text === null) return [[name, { kind: "unclear", said: "its value is binary, not text" }]];
      return [[name, { kind: "value", value: text, updatedAt }]];
    }),
  );
}

async function readObject(
  client: SecretsManagerClient,
  id: string,
  names: readonly string[],
  provider: string,
  signal: AbortSignal,
): Promise<Map<string, SecretAnswer>> {
  const held = await valueOf(client, id, signal);
  if (held === null) throw providerFailed(provider, "there is no such secret", "make it, or mend its name and region");
  const content = objectIn(held.text ?? "");
  if (content === null)
    throw providerFailed(
      provider,
      "its value is no JSON object",
      "write it as names and values, or name a `prefix` for one secret each",
    );
  return new Map(
    names.flatMap((name): [string, SecretAnswer][] => {
      if (!Object.hasOwn(content, name)) return [];
      const value = content[name];
      if (typeof value === "object")
        return [[name, { kind: "unclear", said: "its value is neither text nor a number" }]];
      return [[name, { kind: "value", value: String(value), updatedAt: held.updatedAt }]];
    }),
  );
}

function objectIn(text: string): Record<string, unknown> | null {
  try {
    const content: unknown = JSON.parse(text, asWritten);
    return typeof content === "object" && content !== null && !Array.isArray(content)
      ? (content as Record<string, unknown>)
      : null;
  } catch {
    // What the parser says quotes the text.
    return null;
  }
}

/** A number as it is written: a long one would lose its last digits. */
function asWritten(_key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === "number" ? (context?.source ?? value) : value;
}
