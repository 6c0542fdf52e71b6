import type { AwsPlace, Variables } from "../provider.ts";
import { webIdentityToken } from "./web-identity.ts";

/** Tries of one call; a lost answer is asked for again. */
const attempts = 3;

const connectTimeoutMs = 5_000;
const requestTimeoutMs = 15_000;

/** What an AWS client is made with. */
export type AwsClientConfig = {
  region?: string;
  endpoint?: string;
  credentials?: () => Promise<AwsCredentials>;
  maxAttempts: number;
  requestHandler: { connectionTimeout: number; requestTimeout: number; throwOnRequestTimeout: true };
};

type AwsCredentials = { accessKeyId: string; secretAccessKey: string; sessionToken?: string; expiration?: Date };

/**
 * How AWS is reached: with the role, where one is named and the run has an OIDC token, by credentials that live minutes and are kept in memory alone; otherwise with what
 * the SDK finds (environment, profiles, sign-in, the machine's own role).
 */
export async function awsAccess(place: AwsPlace, env: Variables, signal: AbortSignal): Promise<AwsClientConfig> {
  const region = place.region ?? env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"];
  const endpoint = env["AWS_ENDPOINT_URL"] ?? "";
  const config: AwsClientConfig = {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === "" ? {} : { endpoint }),
    maxAttempts: attempts,
    // By itself the SDK only warns of a request whose time is over, and goes on waiting.
    requestHandler: {
      connectionTimeout: connectTimeoutMs,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
    },
  };
  const { role } = place;
  const first = role === undefined ? null : await webIdentityToken(env, signal);
  if (role === undefined || first === null) return config;
  let token: string | null = first;
  const credentials = async (): Promise<AwsCredentials> => {
    const { fromWebToken } = await import("@aws-sdk/credential-provider-web-identity");
    // The SDK asks again when the credentials run out, and the token has run out long before.
    const current = token ?? (await webIdentityToken(env, signal)) ?? "";
    token = null;
    const take = fromWebToken({
      roleArn: role,
      webIdentityToken: current,
      roleSessionName: sessionName(env),
      clientConfig: { ...config },
    });
    return take();
  };
  return { ...config, credentials };
}

/** What AWS's own log shows of the run: letters, digits and `=,.@-`, at most 64. */
function sessionName(env: Variables): string {
  const run = env["GITHUB_RUN_ID"] ?? "";
  return `shiplock-${run === "" ? "run" : run.replaceAll(/[^\w=,.@-]/g, "-")}`.slice(0, 64);
}
