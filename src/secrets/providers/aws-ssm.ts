import { awsAccess } from "../aws/access.ts";
import { awsFailed } from "../aws/failures.ts";
import type { ProviderSettings, SecretAnswer, SecretProvider, Variables } from "../provider.ts";

/** As many as AWS answers at once. */
const mostAtOnce = 10;

/** Parameters of AWS Systems Manager, one for each name under a prefix, decrypted. */
export function awsSsm(settings: Extract<ProviderSettings, { kind: "aws-ssm" }>, env: Variables): SecretProvider {
  const { prefix } = settings;
  const name = `AWS SSM ${prefix}*`;
  return {
    kind: "aws-ssm",
    name,
    read: async (names, signal) => {
      try {
        const { GetParametersCommand, SSMClient } = await import("@aws-sdk/client-ssm");
        const client = new SSMClient(await awsAccess(settings, env, signal));
        const ask = async (some: readonly string[]): Promise<[string, SecretAnswer][]> => {
          const Names = some.map((one) => `${prefix}${one}`);
          const command = new GetParametersCommand({ Names, WithDecryption: true });
          const { Parameters = [] } = await client.send(command, { abortSignal: signal });
          return Parameters.flatMap(({ Name = "", Value, LastModifiedDate }): [string, SecretAnswer][] =>
            Value === undefined
              ? []
              : [[Name.slice(prefix.length), { kind: "value", value: Value, updatedAt: LastModifiedDate ?? null }]],
          );
        };
        try {
          const groups = Array.from({ length: Math.ceil(names.length / mostAtOnce) }, (_, at) =>
            names.slice(at * mostAtOnce, (at + 1) * mostAtOnce),
          );
          return new Map((await Promise.all(groups.map(ask))).flat());
        } finally {
          client.destroy();
        }
      } catch (cause) {
        throw awsFailed(name, cause, signal);
      }
    },
  };
}
