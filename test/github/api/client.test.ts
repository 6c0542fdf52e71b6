import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { describe, type TestContext, test } from "node:test";
import { inspect } from "node:util";
import { ShiplockError } from "../../../src/errors.ts";
import { createGitHubClient } from "../../../src/github/api/client.ts";
import type { GitHubClient } from "../../../src/github/api/types.ts";
import { jumpingClock, type JumpingClock } from "../../fakes/jumping-clock.ts";
import { type Answering, deadUrl, startHttpServer, type HttpServer } from "../../notify/http-server.ts";

const token = "ghs_0123456789secret";
const repository = { owner: "acme", name: "shop" };
const signal = new AbortController().signal;
const read = { route: "GET /repos/{owner}/{repo}/deployments" };
const write = { route: "POST /repos/{owner}/{repo}/deployments", parameters: { ref: "c0ffee" } };

type Answer = readonly [status: number, body: unknown, headers?: Readonly<Record<string, string>>];

/** Answers one after another; the last one again and again. */
function inTurn(...answers: readonly Answer[]): Answering {
  let next = 0;
  return (_, response) => {
    const [status, body, headers = {}] = answers[Math.min(next, answers.length - 1)] ?? [500, null];
    next += 1;
    response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
    response.end(JSON.stringify(body));
  };
}

type Asked = { client: GitHubClient; server: HttpServer; clock: JumpingClock };

async function asking(context: TestContext, answering: Answering): Promise<Asked> {
  const server = await startHttpServer(context, answering);
  const clock = jumpingClock();
  const client = createGitHubClient({
    ...{ repository, api: server.url, clock, random: () => 0.5 },
    token: async () => token,
  });
  return { client, server, clock };
}

async function refusal(promise: Promise<unknown>): Promise<ShiplockError> {
  const error = await promise.then(
    () => assert.fail("it was answered"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ShiplockError, inspect(error));
  assert.ok(!inspect(error, { depth: 10 }).includes(token), "no error names the token");
  return error;
}

describe("a call of GitHub's API", () => {
  test("goes to the repository, with token, version and a name of its own", async (t) => {
    const { client, server } = await asking(t, inTurn([201, { id: 1 }]));
    assert.deepEqual(await client.call(write, { signal }), { status: 201, body: { id: 1 } });
    const [heard] = server.heard;
    assert.equal(`${heard?.method} ${heard?.path}`, "POST /repos/acme/shop/deployments");
    assert.deepEqual(JSON.parse(heard?.body ?? ""), { ref: "c0ffee" });
    assert.equal(heard?.headers["authorization"], `token ${token}`);
    assert.equal(heard?.headers["x-github-api-version"], "2022-11-28");
    assert.equal(heard?.headers["user-agent"], "shiplock");
  });

  test("cannot leave its place in the address, whatever a branch is called", async (t) => {
    const { client, server } = await asking(t, inTurn([200, {}]));
    const ref = "../../user?x=%2e#";
    await client.call({ route: "GET /repos/{owner}/{repo}/commits/{ref}/check-runs", parameters: { ref } }, { signal });
    assert.equal(server.heard[0]?.path, "/repos/acme/shop/commits/..%2F..%2Fuser%3Fx%3D%252e%23/check-runs");
  });

  test("that reads is repeated after a failure that may pass", async (t) => {
    const { client, server, clock } = await asking(t, inTurn([502, "<html>"], [503, {}], [200, [1]]));
    const before = clock.milliseconds;
    assert.deepEqual((await client.call(read, { signal })).body, [1]);
    assert.equal(server.heard.length, 3);
    assert.equal(clock.milliseconds - before, 500 + 1000);
  });

  test("that reads is given up after four attempts", async (t) => {
    const { client, server } = await asking(t, inTurn([502, { message: "Bad gateway" }]));
    assert.equal((await refusal(client.call(read, { signal }))).code, "github/failed");
    assert.equal(server.heard.length, 4);
  });

  test("that writes is asked once: whether it took effect is not known", async (t) => {
    const { client, server } = await asking(t, inTurn([502, { message: "Bad gateway" }], [201, {}]));
    assert.equal((await refusal(client.call(write, { signal }))).code, "github/failed");
    server.answer((_, response) => response.destroy());
    assert.equal((await refusal(client.call(write, { signal }))).code, "github/unreachable");
    assert.equal(server.heard.length, 2);
  });

  test("that was refused for being asked too often is repeated when GitHub says, also one that writes", async (t) => {
    const limited: Answer = [403, { message: "You have exceeded a secondary rate limit" }, { "retry-after": "7" }];
    const { client, server, clock } = await asking(t, inTurn(limited, [201, { id: 1 }]));
    const before = clock.milliseconds;
    assert.equal((await client.call(write, { signal })).status, 201);
    assert.equal(clock.milliseconds - before, 7000);
    assert.equal(server.heard.length, 2);
  });

  test("waits until the limit begins anew, where that is soon", async (t) => {
    const clock = jumpingClock();
    const reset = String(Math.floor(clock.milliseconds / 1000) + 5);
    const limited: Answer = [
      403,
      { message: "API rate limit exceeded" },
      { "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset },
    ];
    const { client, server } = await asking(t, inTurn(limited, [200, []]));
    assert.equal((await client.call(read, { signal })).status, 200);
    assert.equal(server.heard.length, 2);
  });

  test("is an error at once where the limit lasts longer than the call may", async (t) => {
    const limited: Answer = [429, { message: "slow down" }, { "retry-after": "3600" }];
    const { client, server, clock } = await asking(t, inTurn(limited));
    const before = clock.milliseconds;
    const error = await refusal(client.call(read, { signal, expect: [429] }));
    assert.equal(error.code, "github/rate-limited");
    assert.equal(clock.milliseconds, before);
    assert.equal(server.heard.length, 1);
  });

  test("is read again where the answer broke off", async (t) => {
    let first = true;
    const cut = (response: ServerResponse): void => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
      response.write('[{"id": 1}, ', () => response.destroy());
    };
    const { client, server } = await asking(t, (_, response) => {
      if (first) cut(response);
      else inTurn([200, [{ id: 1 }]])(_, response);
      first = false;
    });
    assert.deepEqual((await client.call(read, { signal })).body, [{ id: 1 }]);
    assert.equal(server.heard.length, 2);
  });

  test("ends when its time is over", async (t) => {
    const { client, server } = await asking(t, () => undefined);
    const error = await refusal(client.call(write, { signal, timeoutMs: 50 }));
    assert.equal(error.code, "github/unreachable");
    assert.match(error.message, /no answer within 0.05 s/);
    assert.equal(server.heard.length, 1);
  });

  test("ends when its caller wants nothing more of it, with the caller's reason", async (t) => {
    const leaving = new AbortController();
    const { client } = await asking(t, () => leaving.abort(new Error("we go home")));
    await assert.rejects(client.call(read, { signal: leaving.signal }), /we go home/);
  });

  test("says that GitHub cannot be reached, and where it was looked for", async () => {
    const api = await deadUrl();
    const client = createGitHubClient({
      repository,
      api,
      clock: jumpingClock(),
      random: () => 0,
      token: async () => token,
    });
    const error = await refusal(client.call(read, { signal }));
    assert.equal(error.code, "github/unreachable");
    assert.equal(error.where, api);
    assert.match(error.message, /ECONNREFUSED/);
  });

  test("has an error for every refusal, with GitHub's reason and what to do", async (t) => {
    const { client, server } = await asking(t, () => undefined);
    const codes = [
      [401, "github/unauthorized"],
      [403, "github/forbidden"],
      [404, "github/not-found"],
      [409, "github/conflict"],
      [422, "github/invalid"],
      [418, "github/failed"],
    ] as const;
    for (const [status, code] of codes) {
      server.answer(inTurn([status, { message: "Resource not accessible", documentation_url: "https://docs" }]));
      const error = await refusal(client.call(write, { signal }));
      assert.equal(error.code, code);
      assert.match(error.message, /acme\/shop \(POST .*\): Resource not accessible/);
      assert.ok((error.remedy ?? "") !== "");
    }
  });

  test("takes further status codes for an answer where its caller does", async (t) => {
    const { client } = await asking(t, inTurn([404, { message: "Not Found" }]));
    assert.equal((await client.call(read, { signal, expect: [404] })).status, 404);
  });

  test("tells of a page that a proxy answered with in one line", async (t) => {
    const { client } = await asking(t, (_, response) => {
      response.writeHead(400, { "content-type": "text/html" }).end(`<html>\n${"x".repeat(9000)}</html>`);
    });
    assert.match((await refusal(client.call(write, { signal }))).message, /: <html>$/);
  });

  test("refuses a token that no header can carry without repeating it", async (t) => {
    const server = await startHttpServer(t, inTurn([200, []]));
    for (const bad of [`${token}\nmore`, "", `${token} ${token}`, "tökén"]) {
      const client = createGitHubClient({
        ...{ repository, api: server.url, clock: jumpingClock(), random: () => 0 },
        token: async () => bad,
      });
      assert.equal((await refusal(client.call(read, { signal }))).code, "github/bad-token");
    }
    assert.equal(server.heard.length, 0);
  });
});

describe("a list of GitHub's API", () => {
  function pages(count: number, from: () => string): Answering {
    return ({ path }, response) => {
      const page = Number(new URL(path, "http://x").searchParams.get("page"));
      const link =
        page < count
          ? { link: `<${from()}/x?per_page=2&page=${page + 1}>; rel="next", <${from()}/x?page=9>; rel="last"` }
          : {};
      response.writeHead(200, { "content-type": "application/json", ...link });
      response.end(JSON.stringify([page * 10, page * 10 + 1]));
    };
  }

  test("is read page by page, and no further than somebody goes on", async (t) => {
    const { client, server } = await asking(t, () => undefined);
    server.answer(pages(3, () => server.url));
    assert.deepEqual(await all(client.items(read, { signal })), [10, 11, 20, 21, 30, 31]);
    assert.equal(server.heard.length, 3);
    assert.match(server.heard[0]?.path ?? "", /per_page=100&page=1$/);
    for await (const item of client.items(read, { signal })) if (item === 20) break;
    assert.equal(server.heard.length, 5);
  });

  test("is found in an answer that holds more than the list", async (t) => {
    const { client } = await asking(t, inTurn([200, { total_count: 1, check_runs: ["a"] }]));
    const list = (body: unknown): readonly unknown[] => (body as { check_runs: unknown[] }).check_runs;
    assert.deepEqual(await all(client.items(read, { signal }, list)), ["a"]);
  });

  test("that leads back to itself ends", async (t) => {
    const { client, server } = await asking(t, () => undefined);
    server.answer((_, response) => {
      const link = `<${server.url}/x?page=1>; rel="next"`;
      response.writeHead(200, { "content-type": "application/json", link }).end("[1]");
    });
    assert.deepEqual(await all(client.items(read, { signal })), [1]);
  });
});

describe("the address of a repository for people", () => {
  test("is on GitHub itself, or on a server of one's own", () => {
    const at = (api: string): string =>
      createGitHubClient({ repository, api, clock: jumpingClock(), random: () => 0, token: async () => token })
        .webAddress;
    assert.equal(at("https://api.github.com"), "https://github.com/acme/shop");
    assert.equal(at("https://git.acme.example/api/v3"), "https://git.acme.example/acme/shop");
  });
});

async function all(items: AsyncIterable<unknown>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const item of items) found.push(item);
  return found;
}
