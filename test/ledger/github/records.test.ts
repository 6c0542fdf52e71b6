import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { GitHubAnswer, GitHubClient } from "../../../src/github/api/types.ts";
import { documentOf } from "../../../src/ledger/github/document.ts";
import { createGitHubRecords } from "../../../src/ledger/github/records.ts";
import { deployment } from "../samples.ts";

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

  test("that is no deployment is told, and not taken for one", async () => {
    await assert.rejects(recordsOf({ status: 201, body: {} }).create("staging", document), {
      code: "github/unreadable",
    });
    await assert.rejects(recordsOf({ status: 200, body: "<html>" }).statuses(1), { code: "github/unreadable" });
    await assert.rejects(recordsOf({ status: 200, body: [{}] }).list("staging", 10), { code: "github/unreadable" });
  });
});
