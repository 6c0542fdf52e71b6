import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test, type TestContext } from "node:test";
import {
  createInstallationTokens,
  type InstallationTokensOptions,
} from "../../../src/github/app/installation-tokens.ts";
import { createGitHubClient } from "../../../src/github/api/client.ts";
import { jumpingClock } from "../../fakes/jumping-clock.ts";
import { openGitHub } from "./simulated.ts";

const { signal } = new AbortController();
const asks = { deployments: "write", contents: "read" } as const;
const made = "POST /app/installations/{installation_id}/access_tokens";

async function withApp(context: TestContext, change: Partial<InstallationTokensOptions> = {}) {
  const clock = jumpingClock();
  const github = await openGitHub(context, { clock });
  const app = github.installApp({ permissions: { deployments: "write", contents: "write", statuses: "read" } });
  const hidden: string[] = [];
  const tokens = createInstallationTokens({
    ...{ app: String(app.id), key: app.privateKey, api: github.api, clock, random: () => 0.5 },
    hide: (token) => hidden.push(token),
    ...change,
  });
  const count = (): number => github.requests.filter(({ route }) => route === made).length;
  return { clock, github, app, tokens, hidden, count };
}

test("an App's token is for one repository and may do what was asked for, and nothing else", async (context) => {
  const { github, clock, tokens, hidden } = await withApp(context);
  const token = await tokens.token(github.repository, asks, { signal });
  assert.deepEqual(hidden, [token]);
  const { body } = github.requests.find(({ route }) => route === made) ?? {};
  assert.deepEqual(body, { repositories: [github.repository.name], permissions: asks });

  const commit = await github.push("main");
  const client = createGitHubClient({
    ...{ repository: github.repository, api: github.api, clock, random: () => 0.5 },
    token: (until) => tokens.token(github.repository, asks, { signal: until }),
  });
  const parameters = { ref: commit, environment: "staging", auto_merge: false, required_contexts: [] };
  await client.call({ route: "POST /repos/{owner}/{repo}/deployments", parameters }, { signal });
  const mark = { sha: commit, state: "success", context: "x" };
  await assert.rejects(
    client.call({ route: "POST /repos/{owner}/{repo}/statuses/{sha}", parameters: mark }, { signal }),
    {
      code: "github/forbidden",
    },
  );
});

test("a token is used again until shortly before it ends, for the same repository and permissions alone", async (context) => {
  const { github, clock, tokens, count } = await withApp(context);
  const ask = (permissions: Readonly<Record<string, "read" | "write">> = asks) =>
    tokens.token(github.repository, permissions, { signal });
  const first = await ask();
  clock.milliseconds += 54 * 60_000;
  assert.equal(await ask({ contents: "read", deployments: "write" }), first, "in whatever order they are written");
  assert.equal(count(), 1);
  assert.notEqual(await ask({ contents: "read" }), first);
  clock.milliseconds += 2 * 60_000;
  assert.notEqual(await ask(), first);
  assert.equal(count(), 3);
});

test("many who ask at once share one token, and who leaves takes it from nobody", async (context) => {
  const { github, tokens, count } = await withApp(context);
  const leaving = new AbortController();
  const left = tokens.token(github.repository, asks, { signal: leaving.signal });
  const others = Array.from({ length: 5 }, () => tokens.token(github.repository, asks, { signal }));
  leaving.abort(new Error("no longer wanted"));
  await assert.rejects(left, /no longer wanted/);
  assert.equal(new Set(await Promise.all(others)).size, 1);
  assert.equal(count(), 1);
  await assert.rejects(tokens.token(github.repository, asks, { signal: leaving.signal }), /no longer wanted/);
});

test("what failed is tried anew by who asks next", async (context) => {
  const { github, tokens } = await withApp(context);
  github.fault({ kind: "status", status: 500, route: made });
  await assert.rejects(tokens.token(github.repository, asks, { signal }), { code: "github/failed" });
  assert.match(await tokens.token(github.repository, asks, { signal }), /^ghs_/);
});

test("what is wrong with an App is said: its key or id, its installation, its permissions", async (context) => {
  const { github, app, tokens } = await withApp(context);
  const { repository, api } = github;
  await assert.rejects(tokens.token(repository, { checks: "write" }, { signal }), (error: Error & { code: string }) => {
    assert.equal(error.code, "github/app-permissions");
    assert.match(error.message, /checks: write/);
    return true;
  });
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const other = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const common = { api, clock: jumpingClock(), random: () => 0.5, hide: () => undefined };
  for (const wrong of [
    { app: String(app.id), key: other },
    { app: "999999", key: app.privateKey },
    { app: String(app.id), key: app.privateKey, clock: jumpingClock(Date.parse("2026-11-20T12:00:00Z")) },
  ])
    await assert.rejects(createInstallationTokens({ ...common, ...wrong }).token(repository, asks, { signal }), {
      code: "github/app-refused",
      remedy: /id.*key.*clock/,
    });
  github.fault({ kind: "status", status: 404, message: "Not Found", route: "GET /repos/{owner}/{repo}/installation" });
  await assert.rejects(tokens.token(repository, asks, { signal }), { code: "github/app-not-installed" });
});
