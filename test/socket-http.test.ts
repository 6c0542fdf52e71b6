import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { requestOverSocket } from "../src/socket-http.ts";
import { startSecureServer } from "./secure-server.ts";

test("a request over TLS is answered by whom the certificate names, and by nobody else", async (context) => {
  await using server = await startSecureServer("shop.example.com", "socket");
  if (server === undefined) return context.skip("there is no openssl");
  const ask = (tlsName: string) =>
    requestOverSocket({ socketPath: server.socketPath, path: "/", tlsName, timeoutMs: 5_000 });
  assert.equal((await ask("shop.example.com")).body, "over TLS");
  await assert.rejects(ask("other.example.com"), {
    code: "http/no-answer",
    message: /other\.example\.com.* is not in the cert/,
  });
});

test("what gets no answer in time over a kept connection is not asked again; what found that connection closed is", async () => {
  const folder = await mkdtemp(join(tmpdir(), "socket-http-"));
  const socketPath = join(folder, "kept.sock");
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    const isFirstClosed = request.url === "/closed" && asked.filter((path) => path === "/closed").length === 1;
    if (isFirstClosed) request.socket.destroy();
    else if (request.url !== "/silent") response.end("answered");
  });
  server.listen(socketPath);
  await once(server, "listening");
  const ask = (path: string, timeoutMs = 5_000) =>
    requestOverSocket({ socketPath, path, timeoutMs, keepConnection: true });
  try {
    await ask("/");
    assert.equal((await ask("/closed")).body, "answered");
    await ask("/");
    await assert.rejects(ask("/silent", 100), { code: "http/no-answer", message: /no answer within 100 ms/ });
    assert.deepEqual(asked, ["/", "/closed", "/closed", "/", "/silent"]);
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  }
});
