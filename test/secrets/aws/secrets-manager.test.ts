import assert from "node:assert/strict";
import { it } from "node:test";
import { providerOf } from "../../../src/secrets/providers/table.ts";
import { startHttpServer } from "../../notify/http-server.ts";

it("a number in the JSON of a secret is what stands there, digit by digit, however long it is", async (context) => {
  const server = await startHttpServer(context, (_, response) => {
    const SecretString = '{"PIN": 12345678901234567890, "RATE": 1.50, "ON": true, "TEXT": "012"}';
    response.writeHead(200, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify({ SecretString }));
  });
  // The SDK's own way to credentials: this file runs in a process of its own.
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "key" });
  const place = { region: "eu-central-1", role: undefined, secret: "shop", prefix: undefined };
  const provider = providerOf({ kind: "aws-secrets-manager", ...place }, { AWS_ENDPOINT_URL: server.url });
  const answers = await provider.read(["PIN", "RATE", "ON", "TEXT"], new AbortController().signal);
  assert.deepEqual(
    [...answers].map(([name, answer]) => `${name}=${answer.kind === "value" ? answer.value : answer.said}`),
    ["PIN=12345678901234567890", "RATE=1.50", "ON=true", "TEXT=012"],
  );
});
