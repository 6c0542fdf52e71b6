import assert from "node:assert/strict";
import { test } from "node:test";
import { withEngine } from "./answering-engine.ts";

test("a container that somebody else is removing counts as removed once it is gone", async () => {
  const asked: string[] = [];
  await withEngine(
    (request, response) => {
      asked.push(`${request.method} ${request.url}`);
      if (request.method === "DELETE") {
        const message = "removal of container c1 is already in progress";
        response.writeHead(409, { "content-type": "application/json" }).end(JSON.stringify({ message }));
      } else response.writeHead(200, { "content-type": "application/json" }).end('{"StatusCode":0}');
    },
    (engine) => engine.removeContainer("c1", { force: true }),
  );
  assert.equal(asked.length, 2);
  assert.match(asked[1] ?? "", /POST .*\/containers\/c1\/wait\?condition=removed/);
});
