import assert from "node:assert/strict";
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
