import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { readCatalogue } from "../app/catalogue.ts";

const tea = { version: "1.0.0", products: [{ id: 1, name: "Assam", price: "4.20 €" }] };

/** An API that gives every question this answer. */
async function withApi(status: number, body: unknown, work: () => Promise<void>): Promise<string[]> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  process.env.API_INTERNAL_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await work();
    return asked;
  } finally {
    server.close();
  }
}

test("the catalogue is what the API sells", async () => {
  const asked = await withApi(200, tea, async () => assert.deepEqual(await readCatalogue(), tea));
  assert.deepEqual(asked, ["/api/products"]);
});

test("an API that fails is told with its status, and not shown as an empty shop", async () => {
  await withApi(503, {}, () => assert.rejects(readCatalogue(), /status 503/));
});
