import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isValidCron } from "@actions/workflow-parser/model/converter/cron";
import fc from "fast-check";
import { isCron } from "../../src/config/cron.ts";
import { changed, load, problemsIn } from "./example.ts";

const withGitHub = (written: string): string => changed(["project: shop\n", `project: shop\ngithub: ${written}\n`]);

describe("GitHub in the configuration", () => {
  test("needs no word of it: the repository, the token and the runner have defaults", () => {
    assert.deepEqual(load(changed()).github, {
      repository: undefined,
      api: undefined,
      token: undefined,
      action: undefined,
      runner: ["ubuntu-24.04"],
      ledger: true,
    });
  });

  test("takes an action by its full commit or from this repository, and nothing that somebody could move", () => {
    const commit = "1f2e3d4c5b6a798897a6b5c4d3e2f1a0b9c8d7e6";
    assert.equal(
      load(withGitHub(`{ action: acme/shiplock@${commit} }`)).github.action?.uses,
      `acme/shiplock@${commit}`,
    );
    assert.equal(load(withGitHub("{ action: ./.github/actions/shiplock }")).github.action?.version, undefined);
    for (const moving of [
      "acme/shiplock@v1",
      "acme/shiplock@main",
      "acme/shiplock",
      `acme/shiplock@${commit.slice(0, 12)}`,
    ])
      assert.match(problemsIn(withGitHub(`{ action: ${moving} }`)).join("\n"), /pinned by its full commit/);
  });

  test("takes one word for the Action's version, which becomes a comment at the end of a line", () => {
    assert.equal(load(withGitHub(`{ action: ./x, version: v0.1.0-rc.1 }`)).github.action?.version, "v0.1.0-rc.1");
    for (const written of ['"v0.1.0\\nname: x"', '"v0 1"', '""'])
      assert.match(
        problemsIn(withGitHub(`{ version: ${written} }`)).join("\n"),
        /must be one word, such as "v0\.1\.0"/,
      );
  });

  test("sends a token in the clear to nobody but this machine", () => {
    assert.match(problemsIn(withGitHub("{ api: http://github.example.com/api/v3 }")).join("\n"), /starts with "https/);
    assert.equal(load(withGitHub("{ api: http://127.0.0.1:8080 }")).github.api, "http://127.0.0.1:8080");
  });
});

describe("a schedule", () => {
  test("is five fields as GitHub takes them", () => {
    for (const written of ["0 3 * * 1-5", "*/15 0 1,15 * *", "0 0 * jan-mar sun", "5/10 * * * *"])
      assert.ok(isCron(written), written);
    for (const written of [
      "",
      "0 3 * *",
      "60 3 * * *",
      "0 24 * * *",
      "@daily",
      "0 3 * * 8",
      "0 5-3 * * *",
      "0 3 * * mon-tue-wed",
    ])
      assert.ok(!isCron(written), written);
  });

  test("is none that GitHub refuses", () => {
    const value = fc.constantFrom(..."* 0 1 5 6 7 12 13 23 24 31 32 59 60 99 05 jan SUN mon x".split(" "), "");
    const item = fc
      .tuple(value, fc.constantFrom("", "-", "/", "-/"), value, value)
      .map(([a, by, b, c]) => (by === "" ? a : by === "-/" ? `${a}-${b}/${c}` : `${a}${by}${b}`));
    const field = fc.oneof(
      item,
      fc.tuple(item, item).map((both) => both.join(",")),
    );
    const space = fc.constantFrom(" ", " ", " ", "  ", "\t");
    const usual = ["0", "0", "1", "1", "1"];
    fc.assert(
      fc.property(field, fc.nat(4), space, fc.constantFrom("", "", " "), (text, index, between, end) => {
        const written = usual.with(index, text).join(between) + end;
        assert.ok(!isCron(written) || isValidCron(written), JSON.stringify(written));
      }),
      { numRuns: 3_000 },
    );
    for (const refused of ["0 3 * * 1-9", "0 3 * * 1-", "*/60 * * * *", "0 3 * * 1 "]) assert.ok(!isCron(refused));
  });
});
