import assert from "node:assert/strict";
import { test } from "node:test";
import { refuseSecretArguments } from "../../src/release/secret-arguments.ts";

const secret = "s3cret/value+1";
const secrets = { API_TOKEN: secret, PIN: "123" };

const holding: Record<string, string> = {
  "as it is": secret,
  "inside of something longer": `https://user:${secret}@example.com`,
  "in base64": Buffer.from(secret).toString("base64"),
  "in the base64 of something longer": Buffer.from(`user:${secret}`).toString("base64"),
  "URL-encoded": encodeURIComponent(secret),
};

for (const [how, value] of Object.entries(holding)) {
  test(`a build argument that holds a secret's value ${how} is refused, by the names of both and without the value`, () => {
    assert.throws(
      () => refuseSecretArguments("web", { HARMLESS: "x", NPM_AUTH: value }, secrets),
      (error: Error & { code?: string; remedy?: string }) => {
        assert.equal(error.code, "build/secret-argument");
        assert.match(error.message, /NPM_AUTH.*"web".*API_TOKEN/);
        assert.match(error.remedy ?? "", /--mount=type=secret,id=API_TOKEN/);
        assert.doesNotMatch(`${error.message}${error.remedy}`, /s3cret/);
        return true;
      },
    );
  });
}

test("arguments without a secret pass, and so does a value too short to tell from ordinary text", () =>
  refuseSecretArguments("web", { URL: "https://example.com", PORT: "12345" }, secrets));
