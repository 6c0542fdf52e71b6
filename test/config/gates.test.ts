import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { changed, load, problemsIn } from "./example.ts";

/** The example with keys in its environment `staging`, from line 17, and texts above and below. */
function withGates(gates: readonly string[], top = "", others = ""): string {
  const lines = gates.map((line) => `    ${line}`).join("\n");
  return `${changed(["strategy: rolling", `strategy: rolling\n${lines}`])}${others}${top}`;
}

const production = "  production:\n    target: { compose: { hosts: [deploy@10.0.0.6] } }\n    after: [staging]\n";

function tells(text: string, ...expected: readonly string[]): void {
  assert.deepEqual(problemsIn(text), expected);
}

describe("the gates of a configuration", () => {
  test("are fine when they make sense together", () => {
    const text = withGates(
      [
        'on: { push: [main, "release/**/*"], tags: "v*" }',
        "guard: true",
        "reviewers: { people: [grace], teams: [ops], count: 2 }",
        "emergency: { passes: [reviewers, freeze, hold] }",
      ],
      'teams: { ops: [grace, linus] }\nfreeze: [{ weekly: { from: "fri 16:00", until: "mon 08:00" } }, { from: 2026-12-20, until: "2026-12-20 06:00" }]\n',
      production,
    );
    assert.equal(load(text).environments["staging"]?.gates.reviewers?.count, 2);
  });

  test("have no pattern that no branch could fit", () => {
    tells(
      withGates(['branches: ["feat[ure", main]', "on: { push: refs/heads/main }"]),
      "17:16: environments.staging.branches[0]: has a [ without its ]",
      "18:17: environments.staging.on.push: is matched with the name alone: leave out refs/heads/ and refs/tags/",
    );
  });

  test("name environments that are there, not themselves, and in no circle", () => {
    tells(
      withGates(
        ["after: { prodution: 10m, staging: 1m }"],
        "",
        "  production:\n    target: { compose: { hosts: [deploy@10.0.0.6] } }\n",
      ),
      '17:14: environments.staging.after.prodution: there is no environment "prodution" (did you mean "production"?)',
      "17:30: environments.staging.after.staging: an environment cannot come after itself",
    );
    tells(
      withGates(["after: [production]"], "", production),
      '17:5: environments.staging.after: nothing could ever be deployed to any of these: "staging" comes after "production" comes after "staging"',
    );
  });

  test("name teams that are there, and no more approvals than there are people", () => {
    const teams = "teams: { ops: [grace, linus] }\n";
    tells(
      withGates(["reviewers: { teams: [oops] }"], teams),
      '17:26: environments.staging.reviewers.teams[0]: there is no team "oops" under teams (did you mean "ops"?)',
    );
    tells(
      withGates(["reviewers: { people: [grace], teams: [ops], count: 3 }"], teams),
      "17:56: environments.staging.reviewers.count: so many could never approve: there are 2 to ask",
    );
    tells(
      withGates(["reviewers: { count: 1 }"]),
      "17:16: environments.staging.reviewers: names nobody who could approve: give people or teams",
    );
  });

  test("do not wait for longer than a request lives", () => {
    tells(
      withGates(["wait: 8d"]),
      "17:11: environments.staging.wait: nothing could ever be deployed here: a request ends after 7d, unless expires says otherwise",
    );
    tells(
      withGates(["wait: 1h", "expires: 60m"]),
      "17:11: environments.staging.wait: nothing could ever be deployed here: a request ends after 60m",
    );
    assert.doesNotThrow(() => load(withGates(["wait: 8d", "expires: 9d"])));
  });

  test("have a guard only where it is said whose the environment is", () => {
    tells(
      withGates(["guard: true"]),
      "17:5: environments.staging.guard: needs the key on.push, which says whose branch the environment is when nobody occupies it",
    );
  });

  test("wait for workflows only where it is said whose commits come, and have a schedule only for a branch", () => {
    tells(
      withGates(["on: { checks: CI, tags: v1 }"]),
      "17:11: environments.staging.on.checks: needs the key on.push, which says whose commits come here when these workflows have passed for them",
    );
    tells(
      withGates(['on: { push: "release/*", schedule: "0 3 * * *" }', 'branches: "v*"']),
      "17:30: environments.staging.on.schedule: needs a branch that comes here then: a plain name, not a pattern, under on.push or branches",
    );
    for (const gates of [
      ["on: { push: [main], checks: [CI], schedule: 0 3 * * 1-5 }"],
      ["on: { schedule: [0 3 * * *] }", "branches: [release/*, main]", "guard: true"],
    ])
      assert.doesNotThrow(() => load(withGates(gates)));
  });

  test("have no freeze that ends before it begins, or at no time", () => {
    tells(
      withGates([
        'freeze: [{ from: "2026-12-20 12:00", until: 2026-12-20 }, { weekly: { from: fri 16:00, until: Friday 16:00 } }]',
      ]),
      '17:49: environments.staging.freeze[0].until: must be later than "2026-12-20 12:00"',
      "17:99: environments.staging.freeze[1].weekly.until: must be another time than from: what begins when it ends has no length, or no end",
    );
  });

  test("have no freeze on a day that no calendar has", () => {
    tells(
      withGates(["freeze: [{ from: 2027-02-27, until: 2027-02-29 }, { from: 2028-02-28, until: 2028-02-29 }]"]),
      "17:41: environments.staging.freeze[0].until: no calendar has this day or time",
    );
  });

  test("are told what the kind of freeze lacks that was begun, and a bound that was passed", () => {
    tells(
      withGates(["freeze: [{ from: 2027-02-27 }]", "expires: 90d"]),
      "17:14: environments.staging.freeze[0].until: is missing, and required",
      '18:14: environments.staging.expires: must be a duration of at least 1m and at most 24d, such as "5m" or "2h", found "90d"',
    );
  });

  test("let an emergency pass only what there is", () => {
    tells(
      withGates(["emergency: { passes: [hold, order, drift] }"]),
      "17:33: environments.staging.emergency.passes[1]: there is nothing to pass: after is not set",
      "17:40: environments.staging.emergency.passes[2]: there is nothing to pass: drift: block is not set",
    );
  });
});
