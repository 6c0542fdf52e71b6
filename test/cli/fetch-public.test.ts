import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { fetchPublic } from "../../src/cli/fetch-public.ts";
import { startSecureServer } from "../secure-server.ts";

const signal = () => AbortSignal.timeout(5_000);

test("a public address that does not answer says why: nobody there, or a certificate that this machine does not trust", async (context) => {
  const nobody = createServer();
  await new Promise<void>((resolve) => nobody.listen(0, "127.0.0.1", resolve));
  const { port } = nobody.address() as AddressInfo;
  await new Promise((resolve) => nobody.close(resolve));
  const refused = await fetchPublic(`http://127.0.0.1:${port}/`, signal());
  assert.match(typeof refused === "number" ? "" : refused.failure, /ECONNREFUSED/);

  await using server = await startSecureServer("localhost", "port");
  if (server === undefined) return context.skip("there is no openssl");
  const distrusted = await fetchPublic(`https://localhost:${server.port}/`, signal());
  assert.match(typeof distrusted === "number" ? "" : distrusted.failure, /self-signed certificate/);
});

test("a redirect of a public address is an answer", async () => {
  const server = createServer((_, response) => response.writeHead(308, { location: "https://elsewhere.test/" }).end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  assert.equal(await fetchPublic(`http://127.0.0.1:${port}/`, signal()), 308);
  await new Promise((resolve) => server.close(resolve));
});
