import { messageOf, ShiplockError } from "../../errors.ts";
import { providerFailed } from "../providers/failures.ts";

/** Errors of AWS by their name, with what to do. */
const remedies: Readonly<Record<string, string>> = {
  AccessDeniedException:
    "allow this identity to read it (secretsmanager:GetSecretValue, ssm:GetParameters, kms:Decrypt)",
  AccessDenied: "let the role's trust policy accept this repository's OIDC token",
  CredentialsProviderError: "sign in to AWS, or name a role that the run may take on (`role`)",
  ExpiredTokenException: "sign in to AWS again",
  InvalidIdentityToken: "let the role's trust policy accept this repository's OIDC token",
  UnrecognizedClientException: "sign in to AWS again",
};

/** What AWS refused, as an error that names the provider. */
export function awsFailed(provider: string, cause: unknown, signal: AbortSignal): ShiplockError {
  signal.throwIfAborted();
  if (cause instanceof ShiplockError) return cause;
  const name = cause instanceof Error ? cause.name : "";
  const region = /region is missing/i.test(messageOf(cause));
  const remedy = region ? "name the region (`region`, or AWS_REGION)" : remedies[name];
  return providerFailed(
    provider,
    `${name === "" || name === "Error" ? "" : `${name}: `}${messageOf(cause)}`,
    remedy ?? "see that AWS can be reached from here",
    cause,
  );
}
