import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { GetParametersCommand, SSMClient } from "@aws-sdk/client-ssm";
import { awsAccess } from "../../../src/secrets/aws/access.ts";

const { signal } = new AbortController();

describe("how AWS is reached", () => {
  it("ends a call that is taken and never answered, instead of waiting for it without an end", async (context) => {
    const sockets = new Set<{ destroy(): void }>();
    const server = createServer((socket) => sockets.add(socket.on("error", () => undefined)));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    context.after(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const config = await awsAccess(
      { region: "eu-central-1", role: undefined },
      { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` },
      signal,
    );
    assert.ok(config.requestHandler.requestTimeout <= 30_000);
    const client = new SSMClient({
      ...config,
      credentials: { accessKeyId: "id", secretAccessKey: "key" },
      maxAttempts: 1,
      // As it is, but for the time that a test has.
      requestHandler: { ...config.requestHandler, requestTimeout: 200 },
    });
    const abortSignal = AbortSignal.timeout(5_000);
    await assert.rejects(client.send(new GetParametersCommand({ Names: ["/a"] }), { abortSignal }), {
      name: "TimeoutError",
    });
    assert.equal(abortSignal.aborted, false);
  });
});
