import { readFile } from "node:fs/promises";
import { messageOf, ShiplockError } from "../../errors.ts";
import type { Variables } from "../provider.ts";

/** Who a token for AWS is made out to. */
const audience = "sts.amazonaws.com";

const timeoutMs = 15_000;

/**
 * The OIDC token by which this run proves who it is: GitHub's, asked for afresh (a token is good for minutes), or the one that a platform keeps in a file. Null where
 * there is neither.
 * @throws ShiplockError `secrets/oidc`; the request's own token is in no error
 */
export async function webIdentityToken(env: Variables, signal: AbortSignal): Promise<string | null> {
  const url = env["ACTIONS_ID_TOKEN_REQUEST_URL"] ?? "";
  const bearer = env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] ?? "";
  if (url !== "" && bearer !== "") return fromGitHub(url, bearer, signal);
  const file = env["AWS_WEB_IDENTITY_TOKEN_FILE"] ?? "";
  if (file === "") return null;
  const token = await readFile(file, "utf8").catch((cause: unknown) => {
    throw noToken(`the file of AWS_WEB_IDENTITY_TOKEN_FILE cannot be read: ${messageOf(cause)}`);
  });
  return token.trim();
}

async function fromGitHub(written: string, bearer: string, signal: AbortSignal): Promise<string> {
  const url = URL.parse(written);
  if (url === null) throw noToken("ACTIONS_ID_TOKEN_REQUEST_URL is no address");
  url.searchParams.set("audience", audience);
  let response: Response;
  try {
    response = await fetch(url, {
      headers: { authorization: `Bearer ${bearer}`, accept: "application/json" },
      redirect: "error",
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
  } catch (cause) {
    signal.throwIfAborted();
    throw noToken(`GitHub was asked for an OIDC token and did not answer: ${messageOf(cause)}`);
  }
  if (!response.ok) throw noToken(`GitHub was asked for an OIDC token and answered ${response.status}`);
  const answer: unknown = await response.json().catch(() => null);
  const token = typeof answer === "object" && answer !== null && "value" in answer ? answer.value : null;
  if (typeof token === "string" && token !== "") return token;
  throw noToken("GitHub was asked for an OIDC token, and its answer holds none");
}

function noToken(message: string): ShiplockError {
  return new ShiplockError({
    code: "secrets/oidc",
    blame: "usage",
    message,
    remedy:
      "give the job `permissions: { id-token: write }`, or leave out `role` to use the credentials of this machine",
  });
}
