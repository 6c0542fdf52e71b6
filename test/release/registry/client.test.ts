import assert from "node:assert/strict";
import { test } from "node:test";
import { parseChallenges } from "../../../src/release/registry/login.ts";
import { digestOf, OCI_INDEX, OCI_MANIFEST } from "../../../src/release/registry/manifest.ts";
import { readRetryAfter } from "../../../src/release/registry/transport.ts";
import { basic, credentials, digest, image, sendJson, sendManifest, serve } from "./server.ts";

test("a registry with a token service (as GHCR's) is asked with a token for this repository, fetched once", async (context) => {
  const tokens: string[] = [];
  const { client, main, requests } = await serve(context, (request, response, host) => {
    const url = new URL(request.url ?? "", `http://${host}`);
    if (url.pathname === "/token") {
      tokens.push(
        `${url.searchParams.get("service")} ${url.searchParams.get("scope")} ${request.headers.authorization}`,
      );
      return sendJson(response, 200, { token: "t0ken" });
    }
    if (request.headers.authorization === "Bearer t0ken") return sendManifest(response);
    const challenge = `Bearer realm="http://${host}/token",service="ghcr",scope="repository:shop/web:pull"`;
    return sendJson(
      response,
      401,
      { errors: [{ code: "UNAUTHORIZED", message: "no" }] },
      { "www-authenticate": challenge },
    );
  });
  assert.equal((await client.manifest(main)).digest, digest);
  assert.equal(await client.exists(main), true);
  assert.deepEqual(tokens, [`ghcr repository:shop/web:pull ${basic}`]);
  assert.equal(requests.length, 4);
});

test("a token that has expired is replaced, once", async (context) => {
  let valid = "one";
  const { client, main } = await serve(context, (request, response, host) => {
    if (request.url?.startsWith("/token")) return sendJson(response, 200, { access_token: valid });
    if (request.headers.authorization === `Bearer ${valid}`) return sendManifest(response);
    return sendJson(response, 401, {}, { "www-authenticate": `Bearer realm="http://${host}/token"` });
  });
  await client.manifest(main);
  valid = "two";
  assert.equal((await client.manifest(main)).digest, digest);
});

test("a token service that refuses, and a token that is not enough, are told apart", async (context) => {
  let tokenStatus = 401;
  const { client, main } = await serve(context, (request, response, host) => {
    if (request.url?.startsWith("/token")) return sendJson(response, tokenStatus, { token: "t" });
    const more = request.headers.authorization ? ',error="insufficient_scope"' : "";
    return sendJson(response, 401, {}, { "www-authenticate": `Bearer realm="http://${host}/token"${more}` });
  });
  await assert.rejects(client.manifest(main), { code: "registry/unauthorized" });
  tokenStatus = 403;
  await assert.rejects(client.manifest(main), { code: "registry/denied" });
  tokenStatus = 200;
  await assert.rejects(client.manifest(main), { code: "registry/denied" });
});

test("a registry with a plain login (as ECR's) gets it only after it asked", async (context) => {
  const seen: (string | undefined)[] = [];
  const { client, main } = await serve(context, (request, response) => {
    seen.push(request.headers.authorization);
    if (request.headers.authorization === basic) return sendManifest(response);
    return sendJson(response, 401, {}, { "www-authenticate": 'Basic realm="https://x/",service="ecr"' });
  });
  await client.manifest(main);
  assert.deepEqual(seen, [undefined, basic]);
});

test("a login is never sent to a token service over plain http where only https is allowed", async (context) => {
  const fetch: typeof globalThis.fetch = async () =>
    new Response("{}", {
      status: 401,
      headers: { "www-authenticate": 'Bearer realm="http://elsewhere.example/token"' },
    });
  const access = async () => ({ credentials, insecure: false });
  const { client, requests } = await serve(context, () => {}, { fetch, access });
  const reference = { registry: "registry.example.com", repository: "a/b", tag: "x", digest: null };
  await assert.rejects(client.manifest(reference), { code: "registry/bad-answer" });
  assert.deepEqual(requests, []);
});

test("a rate limit (as Docker Hub's) is waited for as long as it says", async (context) => {
  let limited = 2;
  const { client, clock, main } = await serve(context, (_request, response) => {
    if (limited-- > 0) return sendJson(response, 429, {}, { "retry-after": "7" });
    return sendManifest(response);
  });
  assert.equal((await client.manifest(main)).digest, digest);
  assert.deepEqual(clock.waits, [7000, 7000]);
});

test("a rate limit beyond the deadline is told at once, with when it ends", async (context) => {
  const { client, clock, main } = await serve(context, (_request, response) => {
    sendJson(response, 429, {}, { "retry-after": "3600" });
  });
  await assert.rejects(client.manifest(main), { code: "registry/rate-limited", message: /again in 3600 s/ });
  assert.deepEqual(clock.waits, []);
});

test("a server error that passes is not noticed, and one that stays ends after a bounded number of attempts", async (context) => {
  let broken = 2;
  const { client, clock, requests, main } = await serve(context, (_request, response) => {
    if (broken-- > 0) return sendJson(response, 503, {});
    return sendManifest(response);
  });
  await client.manifest(main);
  assert.deepEqual(clock.waits, [100, 200], "pauses double, at half of their range here");
  broken = 100;
  await assert.rejects(client.manifest(main), { code: "registry/unavailable", message: /status 503/ });
  assert.equal(requests.length, 3 + 5);
});

test("a body that ends early is asked for again", async (context) => {
  let cut = 1;
  const { client, main } = await serve(context, (_request, response) => {
    if (cut-- <= 0) return sendManifest(response);
    response.writeHead(200, { "content-type": OCI_MANIFEST, "content-length": String(image.manifest.byteLength) });
    response.write(image.manifest.subarray(0, 20), () => response.destroy());
  });
  assert.equal((await client.manifest(main)).digest, digest);
});

test("content that is not what its digest says is refused", async (context) => {
  const other = `sha256:${"b".repeat(64)}`;
  const { client, main } = await serve(context, (request, response) => {
    if (request.url?.includes("/blobs/")) return void response.end("something else");
    sendManifest(response, request.url?.endsWith("/liar") ? { "docker-content-digest": other } : {});
  });
  await assert.rejects(client.manifest({ ...main, tag: "liar" }), {
    code: "registry/bad-answer",
    message: /its digest is/,
  });
  await assert.rejects(client.manifest({ ...main, digest: other }), { code: "registry/bad-answer" });
  await assert.rejects(client.blob(main, other), { code: "registry/bad-answer" });
});

test("an answer without end is cut off", async (context) => {
  const { client, main, requests } = await serve(context, (_request, response) => {
    response.writeHead(200, { "content-type": OCI_MANIFEST });
    const more = () => {
      for (let room = true; room && !response.destroyed; ) room = response.write(Buffer.alloc(65_536));
    };
    response.on("drain", more);
    more();
  });
  await assert.rejects(client.manifest(main), { code: "registry/bad-answer", message: /more than 4194304 bytes/ });
  assert.equal(requests.length, 1);
});

test("a registry that says nothing is given up, and a caller may give up sooner", async (context) => {
  const { client, main } = await serve(context, () => {}, { attemptTimeoutMs: 30, attempts: 2 });
  await assert.rejects(client.manifest(main), { code: "registry/unavailable" });
  const patient = await serve(context, () => abort.abort(reason));
  const abort = new AbortController();
  const reason = new Error("interrupted by ada");
  await assert.rejects(patient.client.manifest(patient.main, { signal: abort.signal }), reason);
});

test("a registry that is not there is named", async (context) => {
  const { client } = await serve(context, () => {}, { attempts: 2 });
  const nowhere = { registry: "127.0.0.1:1", repository: "a/b", tag: "x", digest: null };
  await assert.rejects(client.manifest(nowhere), { code: "registry/unavailable", message: /127\.0\.0\.1:1/ });
});

test("a blob that lies elsewhere is fetched there, and the login does not go along", async (context) => {
  const storage: (string | undefined)[] = [];
  const elsewhere = await serve(context, (request, response) => {
    storage.push(request.headers.authorization);
    response.end(image.config);
  });
  const { client, main } = await serve(context, (request, response) => {
    if (!request.headers.authorization) return sendJson(response, 401, {}, { "www-authenticate": "Basic realm=x" });
    response.writeHead(307, { location: `http://${elsewhere.host}/somewhere` }).end();
  });
  assert.deepEqual(Buffer.from(await client.blob(main, digestOf(image.config))), image.config);
  assert.deepEqual(storage, [undefined]);
});

test("redirects that go round end", async (context) => {
  const { client, main, requests } = await serve(context, (request, response) => {
    response.writeHead(302, { location: request.url ?? "" }).end();
  });
  await assert.rejects(client.manifest(main), { code: "registry/bad-answer", message: /redirects/ });
  assert.equal(requests.length, 6);
});

test("an answer that is no manifest, and one of a kind that is no longer read, are refused", async (context) => {
  const { client, main } = await serve(context, (request, response) => {
    if (request.url?.endsWith("/old")) return sendJson(response, 200, { schemaVersion: 1 });
    response.end("<html>welcome</html>");
  });
  await assert.rejects(client.manifest(main), { code: "registry/bad-answer" });
  await assert.rejects(client.manifest({ ...main, tag: "old" }), { code: "registry/bad-answer" });
});

test("what a registry says is repeated as one harmless line", async (context) => {
  const { client, main } = await serve(context, (_request, response) => {
    sendJson(response, 403, { errors: [{ code: "DENIED", message: "no\u001b[31m\nway\u202e" }] });
  });
  await assert.rejects(client.manifest(main), (error: Error & { code?: string }) => {
    assert.equal(error.code, "registry/denied");
    assert.match(error.message, /DENIED: no \[31m way/);
    assert.doesNotMatch(error.message, /\p{Cc}|\p{Cf}/u);
    return true;
  });
});

test("tags are read page by page from the registry that was asked, to their end", async (context) => {
  const { client, main, requests } = await serve(context, (request, response) => {
    const last = new URL(request.url ?? "", "http://x").searchParams.get("last");
    const link = (value: string) => ({
      link: `<http://elsewhere.example/v2/shop/web/tags/list?last=${value}>; rel="next"`,
    });
    if (last === null) return sendJson(response, 200, { name: "shop/web", tags: ["b", "a"] }, link("b"));
    if (last === "b") return sendJson(response, 200, { name: "shop/web", tags: ["c"] }, link("c"));
    return sendJson(response, 200, { name: "shop/web", tags: null }, link("c"));
  });
  assert.deepEqual(await client.listTags(main), ["a", "b", "c"]);
  assert.equal(requests.length, 3);
});

test("challenges are read, several in one header too", () => {
  assert.deepEqual(parseChallenges('Bearer realm="https://x/t?a=1,b",service="a \\"b\\"", Basic realm=plain'), [
    { scheme: "bearer", parameters: { realm: "https://x/t?a=1,b", service: 'a "b"' } },
    { scheme: "basic", parameters: { realm: "plain" } },
  ]);
  assert.deepEqual(parseChallenges(""), []);
});

test("Retry-After is read as seconds or as a date", () => {
  const now = new Date("2026-01-01T00:00:00Z");
  assert.equal(readRetryAfter("12", now), 12_000);
  assert.equal(readRetryAfter("Thu, 01 Jan 2026 00:00:05 GMT", now), 5000);
  assert.equal(readRetryAfter("Wed, 31 Dec 2025 00:00:05 GMT", now), 0);
  assert.equal(readRetryAfter("soon", now), null);
  assert.equal(readRetryAfter(null, now), null);
});

test("an upload that goes on at another host takes no login there, and is whole", async (context) => {
  const bytes = Buffer.from('{"a":1}');
  const stored: { login: string | undefined; url: string | undefined; body: string }[] = [];
  const elsewhere = await serve(context, async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    stored.push({ login: request.headers.authorization, url: request.url, body: Buffer.concat(parts).toString() });
    response.writeHead(201).end();
  });
  const { client, main } = await serve(context, (request, response) => {
    if (request.headers.authorization !== basic)
      return sendJson(response, 401, {}, { "www-authenticate": 'Basic realm="registry"' });
    if (request.method === "HEAD") return void response.writeHead(404).end();
    response.writeHead(202, { location: `http://${elsewhere.host}/store/1?state=x` }).end();
  });
  const uploaded = await client.uploadBlob(main, bytes);
  const url = `/store/1?state=x&digest=${encodeURIComponent(uploaded)}`;
  assert.deepEqual(stored, [{ login: undefined, url, body: '{"a":1}' }]);
});

test("a registry that lists referrers is believed, one without the list is told apart, and a broken list is no list", async (context) => {
  const answers: [number, unknown][] = [];
  const { client, main } = await serve(context, (_request, response) =>
    sendJson(response, ...(answers.shift() ?? [500, {}])),
  );
  const entry = { mediaType: OCI_MANIFEST, digest, size: 2, artifactType: "application/vnd.cyclonedx+json" };
  answers.push([200, { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry] }]);
  assert.deepEqual(await client.referrers(main, digest), [entry]);
  answers.push([404, {}]);
  assert.equal(await client.referrers(main, digest), null);
  answers.push([200, { manifests: "none" }]);
  await assert.rejects(client.referrers(main, digest), { code: "registry/bad-answer" });
});
