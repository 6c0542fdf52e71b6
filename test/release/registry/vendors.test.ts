import assert from "node:assert/strict";
import type { IncomingMessage, ServerResponse } from "node:http";
import { test } from "node:test";
import { inspect } from "node:util";
import { createFakeRegistry } from "../../../src/release/registry/fake.ts";
import type { RegistryCredentials } from "../../../src/release/registry/types.ts";
import { digest, sendJson, sendManifest, serve } from "./server.ts";

/** The answers of registries that people use, in the shape that their owners document; none of them is asked here. */

const denied = (message: string) => ({ errors: [{ code: "DENIED", message }] });
const expired = denied("Your authorization token has expired. Reauthenticate and try again.");
const ecrChallenge = {
  "www-authenticate": 'Basic realm="https://012345678901.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com"',
};

function basicOf(request: IncomingMessage): string {
  return Buffer.from((request.headers.authorization ?? "").replace("Basic ", ""), "base64").toString();
}

/** ECR: a plain login whose password is a token of twelve hours; one that is over is answered with 403 and no challenge. */
function ecr(isValid: (password: string) => boolean) {
  return (request: IncomingMessage, response: ServerResponse) => {
    if (request.headers.authorization === undefined) return sendJson(response, 401, {}, ecrChallenge);
    if (!isValid(basicOf(request).replace("AWS:", ""))) return sendJson(response, 403, expired);
    sendManifest(response);
  };
}

for (const method of ["manifest", "exists"] as const) {
  test(`a login that expired within a run (as ECR's) is had anew from its helper, in ${method}`, async (context) => {
    let valid = "t0ken-1";
    const asked: boolean[] = [];
    const credentials = async (again: boolean): Promise<RegistryCredentials> => {
      asked.push(again);
      // A helper's answer is remembered until it is refused.
      return { username: "AWS", password: again ? valid : "t0ken-1" };
    };
    const { client, main } = await serve(
      context,
      ecr((password) => password === valid),
      {
        access: async () => ({ credentials, insecure: true }),
      },
    );
    await client[method](main);
    valid = "t0ken-2";
    await client[method](main);
    assert.deepEqual(asked, [false, false, true]);
  });
}

test("a login that has expired and cannot be had anew is told as such, without the token", async (context) => {
  const { client, main } = await serve(
    context,
    ecr(() => false),
    {
      access: async () => ({ credentials: { username: "AWS", password: "old-t0ken" }, insecure: true }),
    },
  );
  await assert.rejects(client.manifest(main), (error: Error & { code?: string; remedy?: string }) => {
    assert.equal(error.code, "registry/unauthorized");
    assert.match(error.message, /has expired/);
    assert.match(error.remedy ?? "", /has to be had anew/);
    assert.ok(!inspect(error, { depth: 10, showHidden: true }).includes("old-t0ken"));
    return true;
  });
});

test("ECR's pages of tags are followed by their opaque token", async (context) => {
  const { client, main, requests } = await serve(context, (request, response) => {
    if (request.headers.authorization === undefined) return sendJson(response, 401, {}, ecrChallenge);
    const last = new URL(request.url ?? "", "http://x").searchParams.get("last");
    if (last === null)
      return sendJson(
        response,
        200,
        { name: "shop/web", tags: ["a"] },
        { link: '</v2/shop/web/tags/list?last=b%2Bc%3D%3D&n=1000>; rel="next"' },
      );
    sendJson(response, 200, { name: "shop/web", tags: [last] });
  });
  assert.deepEqual(await client.listTags(main), ["a", "b+c=="]);
  assert.equal(requests.length, 3);
});

test("Docker Hub's token service is asked for the repository's full name, without a login where there is none", async (context) => {
  const tokens: string[] = [];
  const { client, host } = await serve(
    context,
    (request, response, at) => {
      const url = new URL(request.url ?? "", `http://${at}`);
      if (url.pathname === "/token") {
        tokens.push(
          `${url.searchParams.get("service")} ${url.searchParams.get("scope")} ${request.headers.authorization}`,
        );
        return sendJson(response, 200, {
          token: "jwt",
          access_token: "jwt",
          expires_in: 300,
          issued_at: "2026-01-01T00:00:00Z",
        });
      }
      if (request.headers.authorization === "Bearer jwt")
        return sendManifest(response, { "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "76;w=21600" });
      sendJson(
        response,
        401,
        { errors: [{ code: "UNAUTHORIZED", message: "authentication required", detail: null }] },
        {
          "www-authenticate": `Bearer realm="http://${at}/token",service="registry.docker.io",scope="repository:library/nginx:pull"`,
        },
      );
    },
    { access: async () => ({ credentials: null, insecure: true }) },
  );
  const reference = { registry: host, repository: "library/nginx", tag: "1.27", digest: null };
  assert.equal((await client.manifest(reference)).digest, digest);
  assert.deepEqual(tokens, ["registry.docker.io repository:library/nginx:pull undefined"]);
});

test("Docker Hub's rate limit, which does not say until when, is tried again a few times and then told", async (context) => {
  const { client, main, requests } = await serve(context, (_request, response) => {
    sendJson(response, 429, {
      errors: [
        {
          code: "TOOMANYREQUESTS",
          message: "You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit",
        },
      ],
    });
  });
  await assert.rejects(client.manifest(main), { code: "registry/rate-limited", remedy: /log in with an account/ });
  assert.equal(requests.length, 5);
});

test("a token is used for as long as it lasts, and a new one is had before it is refused", async (context) => {
  let given = 0;
  const { client, clock, main, requests } = await serve(context, (request, response, host) => {
    if (request.url?.startsWith("/token"))
      return sendJson(response, 200, { token: `t${(given += 1)}`, expires_in: 300 });
    if (request.headers.authorization === `Bearer t${given}`) return sendManifest(response);
    sendJson(response, 401, {}, { "www-authenticate": `Bearer realm="http://${host}/token",service="s"` });
  });
  await client.manifest(main);
  await clock.wait(250_000);
  await client.manifest(main);
  assert.equal(given, 1);
  await clock.wait(250_000);
  await client.manifest(main);
  assert.equal(given, 2);
  assert.deepEqual(requests.filter((line) => line.includes("/token")).length, 2);
});

test("a challenge with several scopes is answered with a token for each of them", async (context) => {
  const scopes: string[][] = [];
  const { client, main } = await serve(context, (request, response, host) => {
    const url = new URL(request.url ?? "", `http://${host}`);
    if (url.pathname === "/token") {
      scopes.push(url.searchParams.getAll("scope"));
      return sendJson(response, 200, { token: "t" });
    }
    if (request.headers.authorization) return sendManifest(response);
    const scope = "repository:shop/web:pull,push repository:shop/base:pull";
    sendJson(
      response,
      401,
      {},
      { "www-authenticate": `Bearer realm="http://${host}/token",service="s",scope="${scope}"` },
    );
  });
  await client.manifest(main);
  assert.deepEqual(scopes, [["repository:shop/web:pull,push", "repository:shop/base:pull"]]);
});

test("an identity token, as `docker login` gets one from a registry's sign-in, is exchanged by POST and stands in no address", async (context) => {
  const forms: string[] = [];
  const { client, main, requests } = await serve(
    context,
    (request, response, host) => {
      if (request.url === "/oauth2/token") {
        let body = "";
        request.on("data", (piece) => (body += piece));
        return void request.on("end", () => {
          forms.push(body);
          sendJson(response, 200, { access_token: "t", expires_in: 3600 });
        });
      }
      if (request.headers.authorization === "Bearer t") return sendManifest(response);
      sendJson(response, 401, {}, { "www-authenticate": `Bearer realm="http://${host}/oauth2/token",service="acr"` });
    },
    { access: async () => ({ credentials: { identityToken: "r3fresh" }, insecure: true }) },
  );
  assert.equal((await client.manifest(main)).digest, digest);
  assert.deepEqual(Object.fromEntries(new URLSearchParams(forms[0])), {
    grant_type: "refresh_token",
    service: "acr",
    client_id: "shiplock",
    scope: "repository:shop/web:pull",
    refresh_token: "r3fresh",
  });
  assert.ok(!requests.join().includes("r3fresh"));
});

test("a registry that deletes nothing (as GHCR) is told apart from one that refuses this login", async (context) => {
  let status = 405;
  const { client, main } = await serve(context, (_request, response) => {
    sendJson(response, status, {
      errors: [{ code: status === 405 ? "UNSUPPORTED" : "DENIED", message: "The operation is unsupported." }],
    });
  });
  await assert.rejects(client.deleteManifest(main, digest), {
    code: "registry/delete-unsupported",
    remedy: /retention/,
  });
  status = 403;
  await assert.rejects(client.deleteManifest(main, digest), { code: "registry/denied" });
  status = 404;
  await client.deleteManifest(main, digest);
});

test("several registries in one project each get their own login and no other's", async (context) => {
  const seen: string[] = [];
  const handler = (request: IncomingMessage, response: ServerResponse, host: string) => {
    if (request.headers.authorization === undefined)
      return sendJson(response, 401, {}, { "www-authenticate": "Basic realm=x" });
    seen.push(`${host} ${basicOf(request)}`);
    sendManifest(response);
  };
  const other = await serve(context, handler);
  const one = await serve(context, handler, {
    access: async (registry) => ({ credentials: { username: "ada", password: `for ${registry}` }, insecure: true }),
  });
  await one.client.manifest(one.main);
  await one.client.manifest(other.main);
  assert.deepEqual(seen, [`${one.host} ada:for ${one.host}`, `${other.host} ada:for ${other.host}`]);
});

test("the fake registry can be one that deletes nothing", async () => {
  const registry = createFakeRegistry();
  registry.refuseDeleting();
  await assert.rejects(registry.deleteManifest({ registry: "ghcr.io", repository: "shop/web" }, digest), {
    code: "registry/delete-unsupported",
  });
});
