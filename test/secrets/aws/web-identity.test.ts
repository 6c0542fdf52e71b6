import assert from "node:assert/strict";
import { createServer, type ServerResponse } from "node:http";
import { inspect } from "node:util";
import { describe, it, type TestContext } from "node:test";
import { webIdentityToken } from "../../../src/secrets/aws/web-identity.ts";

const { signal } = new AbortController();

describe("the OIDC token of a run", () => {
  it("is GitHub's, asked for with the audience of AWS, before one that lies in a file", async (context) => {
    const env = {
      ...(await github(context, (response) => response.end('{"value":"j.w.t"}'))),
      AWS_WEB_IDENTITY_TOKEN_FILE: "/nowhere",
    };
    assert.equal(await webIdentityToken(env, signal), "j.w.t");
  });

  it("is none outside of a run, and where a job has no right to one", async () => {
    assert.equal(await webIdentityToken({}, signal), null);
    assert.equal(await webIdentityToken({ ACTIONS_ID_TOKEN_REQUEST_URL: "https://x.example" }, signal), null);
  });

  const refusals: [string, (response: ServerResponse) => void, RegExp][] = [
    ["refused", (response) => response.writeHead(403).end("bearer-t0ken"), /answered 403/],
    ["not there in the answer", (response) => response.end('{"count":0}'), /holds none/],
    ["no JSON", (response) => response.end("<html>"), /holds none/],
    [
      "a redirect to somebody else",
      (response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
      /did not answer/,
    ],
  ];
  for (const [what, answer, said] of refusals)
    it(`that is ${what} is an error that says what to do and does not hold the run's own token`, async (context) => {
      const asking = webIdentityToken(await github(context, answer), signal);
      await assert.rejects(asking, (error: Error & { code?: string; remedy?: string }) => {
        assert.equal(error.code, "secrets/oidc");
        assert.match(error.message, said);
        assert.match(error.remedy ?? "", /id-token: write/);
        assert.ok(!inspect(error, { depth: null }).includes("bearer-t0ken"));
        return true;
      });
    });

  it("in a file that is not there is an error with its name", async () => {
    await assert.rejects(webIdentityToken({ AWS_WEB_IDENTITY_TOKEN_FILE: "/nowhere/token" }, signal), {
      code: "secrets/oidc",
      message: /AWS_WEB_IDENTITY_TOKEN_FILE.*\/nowhere\/token/,
    });
  });
});

/** GitHub's side of a job that may have tokens. */
async function github(
  context: TestContext,
  answer: (response: ServerResponse) => void,
): Promise<Record<string, string>> {
  const server = createServer((request, response) => {
    const right =
      request.headers.authorization === "Bearer bearer-t0ken" && request.url === "/?audience=sts.amazonaws.com";
    if (right) answer(response);
    else response.writeHead(500).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  return {
    ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/`,
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: "bearer-t0ken",
  };
}
