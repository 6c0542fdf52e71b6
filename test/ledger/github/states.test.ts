import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { stateRules, transitions } from "../../../src/deploy/states.ts";
import { documentOf, readDocument, releaseIn } from "../../../src/ledger/github/document.ts";
import { isProduction } from "../../../src/ledger/github/records.ts";
import { cutDescription, entryOf, isSettled, replacedBy, saidOf, statusOf } from "../../../src/ledger/github/states.ts";
import type { RecordStatus } from "../../../src/ledger/github/types.ts";
import type { DeploymentEntry } from "../../../src/ledger/types.ts";
import { deployment, release } from "../samples.ts";

const state = fc.constantFrom(...Object.keys(transitions));
const entry: DeploymentEntry = { ...deployment("d1"), startedAt: null, endedAt: null, outcome: null };

function said(status: ReturnType<typeof statusOf>, id = 1): RecordStatus {
  return { ...status, id, at: id * 1000 };
}

describe("what is said of a deployment on GitHub", () => {
  it("is read back as it was meant, as far as it is not cut", () => {
    fc.assert(
      fc.property(state, fc.option(fc.stringMatching(/^[!-~](?: ?[!-~]){0,60}$/)), (word, outcome) => {
        assert.deepEqual(saidOf(said(statusOf({ state: word, outcome }))), { state: word, outcome });
      }),
    );
  });

  it("is never longer than GitHub takes, nor cut within a character", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("a", " ", "ä", "☃", "𝄞"), { minLength: 60, maxLength: 200 }),
        (characters) => {
          const cut = cutDescription(characters.join(""));
          assert.ok(cut.length <= 140 && cut.isWellFormed());
        },
      ),
    );
  });

  it("by somebody else is taken by GitHub's state", () => {
    const by = (github: RecordStatus["state"], description: string) =>
      saidOf({ id: 1, at: 1, state: github, description });
    assert.deepEqual(by("success", ""), { state: "succeeded", outcome: null });
    assert.deepEqual(by("failure", "succeeded: or so"), { state: "failed", outcome: "succeeded: or so" });
    assert.deepEqual(by("in_progress", "hello"), { state: "running", outcome: "hello" });
  });

  it("is something final in every state in which nobody works on it", () => {
    for (const word of Object.keys(transitions)) {
      const goesOn = ["queued", "waiting", "running", "paused", "verifying"].includes(word);
      assert.equal(isSettled(said(statusOf({ state: word, outcome: null }))), !goesOn, word);
    }
    assert.equal(isSettled(undefined), false);
  });

  it("tells when it began, and when it became live rather than when it was replaced", () => {
    const statuses = [
      said(replacedBy("r2"), 9),
      said(statusOf({ state: "succeeded", outcome: "r1 is live" }), 5),
      said(statusOf({ state: "running", outcome: null }), 3),
      said(statusOf({ state: "queued", outcome: null }), 2),
    ];
    const told = entryOf("staging", documentOf(entry, null), statuses, stateRules);
    assert.deepEqual(told, {
      ...{ ...entry, state: "succeeded", outcome: "r1 is live" },
      ...{ startedAt: 3000, endedAt: 5000 },
    });
  });
});

describe("the payload of a record", () => {
  it("gives back the deployment and its release, as an object or as text", () => {
    const known = release("r1", { commit: entry.commit });
    const written: unknown = JSON.parse(JSON.stringify(documentOf(entry, known)));
    for (const payload of [written, JSON.stringify(written)]) {
      const document = readDocument(payload);
      assert.ok(document !== null);
      assert.deepEqual(releaseIn(document), known);
      assert.deepEqual(entryOf("staging", document, [], stateRules), entry);
    }
  });

  it("goes without a release that is too long for it, and says the digests all the same", () => {
    const payload = { images: { web: { digest: "sha256:1", more: "x".repeat(100_000) } } };
    const document = documentOf(entry, release("r1", { payload }));
    assert.equal(releaseIn(document), null);
    assert.deepEqual(document.images, { web: "sha256:1" });
  });

  it("of anybody else, or of a later Shiplock, is none of ours", () => {
    const later = { ...documentOf(entry, null), shiplock: 2 };
    for (const payload of [null, "", "{", "hello", 7, [], {}, { deployment: "d1" }, later])
      assert.equal(readDocument(payload), null);
  });
});

describe("an environment for GitHub", () => {
  it("is production where it is called so, or begins so", () => {
    for (const name of ["production", "prod", "Production", "production-eu", "prod_2"])
      assert.ok(isProduction(name), name);
    for (const name of ["staging", "preproduction", "product", "prodigy", "pr-7"]) assert.ok(!isProduction(name), name);
  });
});
