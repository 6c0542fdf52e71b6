import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer as createHttpServer, get } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createConnector } from "../../src/hosts/connector.ts";
import { describeHost, hasCode, OWNER } from "./contract.ts";
import { startOwner } from "./owner-process.ts";
import { makeTestImage, removeTestVolume, TEST_ENGINE } from "./test-image.ts";

const CONNECT = { connectTimeoutMs: 10_000 };

describeHost("this machine as a host", async () => {
  const root = await mkdtemp(join(tmpdir(), "shiplock-local-"));
  const connector = createConnector();
  const image = await makeTestImage();
  const connect = () =>
    connector.connect({ kind: "local", name: "here", engineSocket: TEST_ENGINE ?? "/none", root }, CONNECT);
  const first = await connect();
  await first.files.mkdirs("test");
  await first.close();
  return {
    connect,
    folder: join(root, "test"),
    ...(image === undefined ? {} : { image, containerBody: { Cmd: ["sleep", "600"] } }),
    separateSessions: false,
    async close() {
      await removeTestVolume();
      await rm(root, { recursive: true, force: true });
    },
  };
});

describe("this machine as a host", () => {
  const connector = createConnector();
  async function withRoot(work: (root: string) => Promise<void>): Promise<void> {
    const root = await mkdtemp(join(tmpdir(), "shiplock-local-"));
    try {
      await work(root);
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  }

  it("an engine that is missing or does not listen is named as such", async () => {
    await withRoot(async (root) => {
      const missing = await connector.connect(
        { kind: "local", name: "here", engineSocket: join(root, "none"), root },
        CONNECT,
      );
      await assert.rejects(missing.engine.ping(), hasCode("engine/socket-missing"));
      await missing.close();
    });
  });

  it("an engine that dies in the middle of an answer is no success", async () => {
    await withRoot(async (root) => {
      const socket = join(root, "engine.sock");
      const server = createServer((client) => {
        client.once("data", () => {
          client.write("HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 100\r\n\r\nO");
          client.destroySoon();
        });
      });
      await new Promise<void>((resolve) => server.listen(socket, resolve));
      const host = await connector.connect({ kind: "local", name: "here", engineSocket: socket, root }, CONNECT);
      await assert.rejects(host.engine.ping(), hasCode("engine/unreachable"));
      await host.close();
      await new Promise((resolve) => server.close(resolve));
    });
  });

  it("a silent engine ends a call at its timeout, and an abort ends it at once", async () => {
    await withRoot(async (root) => {
      const socket = join(root, "engine.sock");
      const server = createServer((client) => void client.on("error", () => undefined));
      await new Promise<void>((resolve) => server.listen(socket, resolve));
      const host = await connector.connect({ kind: "local", name: "here", engineSocket: socket, root }, CONNECT);
      await assert.rejects(host.engine.ping({ timeoutMs: 50 }), hasCode("engine/timeout"));
      await assert.rejects(host.engine.ping({ signal: AbortSignal.timeout(20) }), hasCode("host/cancelled"));
      await host.close();
      server.close();
    });
  });

  it("a TCP port is reached through a socket of the connection", async () => {
    await withRoot(async (root) => {
      const server = createHttpServer((_, response) => void response.end("hello"));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const address = server.address();
      assert.ok(address !== null && typeof address === "object");
      const host = await connector.connect({ kind: "local", name: "here", engineSocket: "/none", root }, CONNECT);
      const socketPath = await host.forwardTcp("127.0.0.1", address.port);
      assert.equal(await host.forwardTcp("127.0.0.1", address.port), socketPath);
      const status = await new Promise((resolve, reject) => {
        get({ socketPath, path: "/", agent: false }, (response) => resolve(response.resume().statusCode)).once(
          "error",
          reject,
        );
      });
      assert.equal(status, 200);
      await host.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
  });

  it("a stopped deployer on this machine is ended by the next one when its lease has expired", async () => {
    await withRoot(async (root) => {
      const address = { kind: "local", name: "here", engineSocket: "/none", root } as const;
      const owner = await startOwner({ address, folder: "env", file: join(root, "work"), ttlMs: 600 });
      const host = await connector.connect(address, CONNECT);
      assert.equal((await host.lease({ folder: "env", owner: OWNER, ttlMs: 600 })).kind, "held");
      owner.signal("SIGSTOP");
      const taken = await owner.untilTaken(host, "env");
      assert.equal(taken.tookOver?.who, "owner-process");
      owner.signal("SIGCONT");
      assert.equal(await owner.ended, "SIGKILL");
      const before = await readFile(join(root, "work"), "utf8");
      await taken.release();
      assert.equal(await readFile(join(root, "work"), "utf8"), before);
      await host.close();
    });
  });
});
