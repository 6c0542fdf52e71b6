import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { withDueReview } from "../../src/environments/emergency/reviews.ts";
import type { DueReview } from "../../src/environments/queue/types.ts";
import { type HomeHost, openHomeHost } from "./home-host.ts";

const ada = { name: "ada", aliases: [], source: "local" } as const;

function reviewOf(deployment: string): DueReview {
  return {
    ...{ deployment, release: "r-v2", by: ada, reason: "the shop is down", at: "2020-11-20T10:00:00.000Z" },
    ...{ dueBy: "2020-11-21T10:00:00.000Z", reviewed: null },
    passed: [{ gate: "freeze", reason: "weekend" }],
  };
}

describe("shiplock review, while a host that is not the home is down", () => {
  let home: HomeHost;
  before(async () => {
    home = openHomeHost();
    for (const deployment of ["d-1", "d-2"])
      await home.change("ada", (state) => withDueReview(state, reviewOf(deployment)));
  });
  after(() => home.remove());

  it("is refused to who did it with exit 3, asks which one is meant, wants a comment, and is done once", async () => {
    const own = await home.shiplock("ada", "review", "production", "d-1", "--comment", "fine");
    assert.equal(own.exit, 3);
    assert.match(own.stderr, /d-1 was ada's own emergency/);

    const which = await home.shiplock("grace", "review", "production", "--comment", "fine");
    assert.equal(which.exit, 2);
    assert.match(which.stderr, /2 emergencies of production wait[^]*name one of: d-\d \(r-v2, by ada\), d-\d/);
    assert.equal((await home.shiplock("grace", "review", "production", "d-1")).exit, 2);

    const done = await home.shiplock("grace", "review", "production", "d-1", "--comment", "right call");
    assert.equal(done.exit, 0, done.stderr);
    assert.match(done.stdout, /reviewed: the emergency d-1 of r-v2 by ada[^]*it passed freeze, which said: weekend/);
    assert.match(done.stdout, /1 more waits for a review: d-2 \(1 overdue\)/);
    const again = await home.shiplock("eve", "review", "production", "d-1", "--comment", "me too");
    assert.equal(again.exit, 3);
    assert.match(again.stderr, /reviewed by grace/);

    assert.equal((await home.shiplock("grace", "review", "production", "--comment", "also")).exit, 0, "the only one");
    const log = await home.shiplock("grace", "audit", "production");
    assert.match(log.stdout, /grace from .* {2}reviewed d-1: comment right call; release r-v2/);
  });

  it("an emergency where the environment knows none is refused before anything is built or connected to", async () => {
    for (const command of [["deploy"], ["plan"], ["rollback"]]) {
      const said = await home.shiplock("ada", ...command, "production", "--emergency", "--reason", "down");
      assert.equal(said.exit, 2);
      assert.match(said.stderr, /emergency\/not-allowed[^]*emergency: \{ passes: \[reviewers, wait\] \}/);
    }
    const open = openHomeHost(["wait: 1h", "emergency: { passes: [wait] }"]);
    const silent = await open.shiplock("ada", "deploy", "production", "--emergency");
    open.remove();
    assert.match(silent.stderr, /cli\/reason-missing/);
  });
});
