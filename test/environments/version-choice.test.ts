import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withEnded, withOperation } from "../../src/environments/record/changes.ts";
import { chooseVersioned } from "../../src/environments/version-choice.ts";
import { shop } from "../fakes/shop.ts";
import { at, history, planOf, rollBack } from "./states.ts";

const commitOf = (version: string) => shop(version).release.commit;

describe("which release of a commit can be named", () => {
  it("the one that ran there, live or not, also one that a rollback left, which is told", () => {
    const state = rollBack(history("v1", "v2", "v3"));
    assert.deepEqual(
      ["v1", "v2", "v3"].map((version) => {
        const { entry, withdrawn } = chooseVersioned(state, "production", commitOf(version));
        return [entry.release, withdrawn];
      }),
      [
        ["r-v1", false],
        ["r-v2", false],
        ["r-v3", true],
      ],
    );
  });

  it("none of a commit that never ran there, also where nothing ever did", () => {
    for (const state of [history("v1"), null])
      assert.throws(() => chooseVersioned(state, "production", commitOf("v2")), {
        code: "tag/not-deployed",
        message: /never ran in production/,
        remedy: /deploy it to production first/,
      });
  });

  it("none of a commit that only failed there, with how it ended", () => {
    const state = history("v1");
    const begun = withOperation(state, planOf("v2", "deploy", "d-9", state), shop("v2"), 1, at);
    const failed = withEnded(begun, "d-9", "rolled-back", "web was not healthy", at);
    assert.throws(() => chooseVersioned(failed, "production", commitOf("v2")), {
      code: "tag/not-deployed",
      message: /was never healthy in production: its only deployment ended as rolled-back \(web was not healthy\)/,
    });
  });
});
