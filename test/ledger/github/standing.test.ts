import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { emptyState } from "../../../src/environments/record/changes.ts";
import { rollbackCandidates } from "../../../src/environments/record/rollback-choice.ts";
import type { EnvironmentState } from "../../../src/environments/record/types.ts";
import { standingOf } from "../../../src/ledger/github/standing.ts";
import { replacedBy, statusOf } from "../../../src/ledger/github/states.ts";
import type { GitHubState, RecordStatus, ToldRecord } from "../../../src/ledger/github/types.ts";
import { live, rollBack } from "../../environments/states.ts";
import { environment, project } from "../../fakes/shop.ts";

type Act = "rollback" | { deploy: string } | { fails: string } | { hangs: string };
type Told = Omit<ToldRecord, "statuses"> & { statuses: RecordStatus[] };

/** What the acts leave behind: in the environment, and on GitHub, where each status gets the next number. */
function after(acts: readonly Act[]): { state: EnvironmentState; records: ToldRecord[] } {
  let state = emptyState(project, environment);
  let count = 0;
  const records: Told[] = [];
  const say = (record: Told, status: { state: GitHubState; description: string }): void => {
    count += 1;
    record.statuses.unshift({ ...status, id: count, at: 1000 });
  };
  for (const act of acts) {
    const rollback = act === "rollback";
    if (rollback && rollbackCandidates(state).length === 0) continue;
    const [how, version] = rollback ? ["deploy", ""] : (Object.entries(act)[0] ?? ["", ""]);
    const before = state.live?.release ?? null;
    if (rollback) state = rollBack(state);
    else if (how === "deploy") state = live(state, version);
    const release = rollback ? (state.live?.release ?? "") : `r-${version}`;
    const record = recordOf(records.length + 1, release, before, rollback);
    say(record, statusOf({ state: "running", outcome: null }));
    if (how === "fails") say(record, statusOf({ state: "rolled-back", outcome: "it was never healthy" }));
    if (how === "deploy") {
      say(record, statusOf({ state: "succeeded", outcome: `${release} is live` }));
      for (const other of records.filter(({ statuses }) => statuses[0]?.state === "success"))
        say(other, replacedBy(release));
    }
    records.unshift(record);
  }
  return { state, records };
}

function recordOf(number: number, release: string, fromRelease: string | null, rollback: boolean): Told {
  return {
    ...{ number, environment, statuses: [] },
    document: {
      ...{ shiplock: 1, deployment: `d-${number}`, project, kind: rollback ? "rollback" : "deploy", release },
      ...{ fromRelease, who: "ada", why: null, origin: "a run", commit: "c0ffee", ref: "main", createdAt: number },
      ...{ images: { web: "sha256:1" }, releaseEntry: null },
    },
  };
}

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ deploy: fc.constantFrom("v1", "v2", "v3", "v4") }) },
  { weight: 3, arbitrary: fc.constant("rollback" as const) },
  { weight: 1, arbitrary: fc.record({ fails: fc.constantFrom("v1", "v2", "v9") }) },
  { weight: 1, arbitrary: fc.record({ hangs: fc.constantFrom("v1", "v2", "v9") }) },
);

describe("what GitHub's records say of an environment", () => {
  it("is what the environment itself says: what is live, and where a rollback goes, whatever happened before", () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 20 }), fc.boolean(), (acts, reversed) => {
        const { state, records } = after(acts);
        const { live: found, candidates } = standingOf(reversed ? records.toReversed() : records);
        assert.equal(found?.release, state.live?.release);
        assert.equal(found?.deployment === undefined, state.live === null);
        assert.deepEqual(
          candidates.map(({ release }) => release),
          rollbackCandidates(state).map(({ release }) => release),
        );
      }),
      { numRuns: 400 },
    );
  });

  it("is never the second newest record: after a failed deployment a rollback goes behind what is live", () => {
    const { records } = after([{ deploy: "v1" }, { deploy: "v2" }, { fails: "v3" }]);
    const { live: found, candidates } = standingOf(records);
    assert.equal(found?.release, "r-v2");
    assert.deepEqual(
      candidates.map(({ release }) => release),
      ["r-v1"],
    );
  });

  it("does not go back to what a rollback left, twice as little as once", () => {
    const { records } = after([{ deploy: "v1" }, { deploy: "v2" }, { deploy: "v3" }, "rollback", "rollback"]);
    const { live: found, candidates } = standingOf(records);
    assert.equal(found?.release, "r-v1");
    assert.deepEqual(candidates, []);
  });

  it("passes over a release whose images are not known", () => {
    const { records } = after([{ deploy: "v1" }, { deploy: "v2" }, { deploy: "v3" }]);
    const bare = records.map((record) =>
      record.document.release === "r-v2" ? { ...record, document: { ...record.document, images: {} } } : record,
    );
    assert.deepEqual(
      standingOf(bare).candidates.map(({ release }) => release),
      ["r-v1"],
    );
  });

  it("does not go back to what a rollback left that had been deployed again from a machine that writes nothing to GitHub", () => {
    const { records } = after([{ deploy: "v1" }, { deploy: "v2" }, { deploy: "v3" }, { deploy: "v1" }, "rollback"]);
    const unseen = records.filter(({ number }) => number !== 4);
    assert.deepEqual(
      standingOf(unseen).candidates.map(({ release }) => release),
      ["r-v2"],
    );
  });
});
