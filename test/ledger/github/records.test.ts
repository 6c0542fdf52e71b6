import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { GitHubAnswer, GitHubClient } from "../../../src/github/api/types.ts";
import { checksOfRun } from "../../../src/ledger/github/checks.ts";
import { documentOf } from "../../../src/ledger/github/document.ts";
import { createGitHubRecords } from "../../../src/ledger/github/records.ts";
import { checkRun, deployment } from "../samples.ts";

const document = documentOf({ ...deployment("d1"), startedAt: null, endedAt: null, outcome: null }, null);

function recordsOf(answer: GitHubAnswer) {
  const client: GitHubClient = {
    repository: { owner: "acme", name: "shop" },
    webAddress: "https://github.com/acme/shop",
    call: async () => answer,
    items: async function* (_call, _options, list = (body) => body as unknown[]) {
      yield* list(answer.body);
    },
  };
  return createGitHubRecords({ client, project: "shop", signal: new AbortController().signal });
}

describe("GitHub's answer to a new record", () => {
  test("that merged instead of making one is told as what it is", async () => {
    const records = recordsOf({ status: 202, body: { message: "Auto-merged main into topic." } });
    await assert.rejects(records.create("staging", document), {
      code: "ledger/github-no-deployment",
      message: /202 and made no deployment for staging: it merged the default branch/,
    });
  });

  test("says who wrote it, and so whether other machines will believe it", async () => {
    const by = async (login: string, type: string): Promise<boolean> =>
      (await recordsOf({ status: 201, body: { ...made, creator: { login, type } } }).create("staging", document))
        .believed;
    const made = { id: 1, environment: "staging", payload: {} };
    assert.equal(await by("github-actions[bot]", "Bot"), true);
    assert.equal(await by("ada", "User"), true);
    assert.equal(await by("release-bot[bot]", "Bot"), false);
    const [check] = checksOfRun(checkRun("c1"), "shiplock / ", null);
    assert.ok(check !== undefined);
    const reported = async (slug: string): Promise<boolean> =>
      (await recordsOf({ status: 201, body: { app: { slug } } }).reportCheck(check)).believed;
    assert.deepEqual([await reported("github-actions"), await reported("release-bot")], [true, false]);
  });

  test("that is no deployment is told, and not taken for one", async () => {
    await assert.rejects(recordsOf({ status: 201, body: {} }).create("staging", document), {
      code: "github/unreadable",
    });
    await assert.rejects(recordsOf({ status: 200, body: "<html>" }).statuses(1), { code: "github/unreadable" });
    await assert.rejects(recordsOf({ status: 200, body: [{}] }).list("staging", 10), { code: "github/unreadable" });
  });
});
