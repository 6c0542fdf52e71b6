import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compareWorkflows } from "../../../src/github/workflows/compare.ts";
import { entry, mapping, plain, write } from "../../../src/github/workflows/yaml.ts";
import fc from "fast-check";
import { parse } from "yaml";
import { input, kinds, workflows } from "./samples.ts";

const made = workflows(kinds["a push to staging"] ?? input());
const kindsOf = (there: Parameters<typeof compareWorkflows>[1], wanted = made): string[] =>
  compareWorkflows(wanted, there, "shiplock.yml").map(
    ({ name, kind }) => `${name.replace("shiplock-", "").replace(".yml", "")} ${kind}`,
  );

describe("the workflows of a repository, compared with those that the configuration means", () => {
  test("are the same after they were written, also with the line ends of another system", () => {
    const names = made.map(({ name }) => name);
    assert.deepEqual(names, [
      "shiplock-pull-request.yml",
      "shiplock-deploy.yml",
      "shiplock-manual.yml",
      "shiplock-release.yml",
    ]);
    for (const there of [made, made.map(({ name, text }) => ({ name, text: text.replaceAll("\n", "\r\n") }))])
      assert.deepEqual(kindsOf(there), ["pull-request same", "deploy same", "manual same", "release same"]);
  });

  test("are made alike every time", () => {
    for (const written of Object.values(kinds)) assert.deepEqual(workflows(written), workflows(written));
  });

  test("show which lines somebody changed", () => {
    const there = made.map(({ name, text }) => ({ name, text: text.replace("queue: max", "queue: single") }));
    const change = compareWorkflows(made, there, "shiplock.yml").find(({ name }) => name === "shiplock-deploy.yml");
    assert.equal(change?.kind, "differs");
    const [found = "", meant = "", ...more] = change.diff;
    assert.match(found, /^\d+ - {7}queue: single$/);
    assert.match(meant, /^\d+ \+ {7}queue: max$/);
    assert.deepEqual(more, []);
  });

  test("are missing, or left over from a configuration that meant more", () => {
    assert.deepEqual(kindsOf([]), ["pull-request missing", "deploy missing", "manual missing", "release missing"]);
    assert.ok(kindsOf(made, workflows(input())).includes("deploy left-over"));
  });

  test("are no files of others: one with a name of ours is theirs, and one of another project's configuration too", () => {
    assert.ok(kindsOf([{ name: "shiplock-deploy.yml", text: "name: Mine\n" }]).includes("deploy stranger"));
    assert.ok(!kindsOf([{ name: "shiplock-mine.yml", text: "name: Mine\n" }]).some((line) => line.startsWith("mine")));
    const other = workflows(input({ project: "blog" }), { configPath: "apps/blog/shiplock.yml" });
    assert.ok(other.every(({ name }) => name.startsWith("shiplock-blog-")));
    assert.deepEqual(kindsOf([...made, ...other]), kindsOf(made));
  });
});

describe("two projects of one repository", () => {
  test("have files and locks of their own, and each names its configuration", () => {
    const files = workflows(kinds["a push to staging"] ?? input(), { configPath: "apps/shop/shiplock.yml" });
    const deploy = files.find(({ name }) => name === "shiplock-shop-deploy.yml")?.text ?? "";
    assert.match(deploy, /group: shiplock-shop-staging\n/);
    assert.match(deploy, /config: apps\/shop\/shiplock\.yml\n/);
    assert.match(deploy, /^# Made by `shiplock workflows` from apps\/shop\/shiplock\.yml/);
  });
});

describe("what is written as YAML", () => {
  test("is read back as it was, whatever the text", () => {
    const text = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: fc.constantFrom(..."ab1 .:'\"#-{}[]$&*!|>%@`,?~\n") }),
      fc.constantFrom(
        "on",
        "off",
        "yes",
        "no",
        "null",
        "~",
        "true",
        "1",
        "1.0",
        "0x1f",
        "1e3",
        ".inf",
        "2026-11-21",
        "12:30",
        "=",
        "<<",
        "-",
        "?",
        "- a",
        "a: b",
        "a #b",
        "---",
        "...",
      ),
    );
    fc.assert(
      fc.property(text, fc.array(text, { maxLength: 4 }), fc.boolean(), (one, list, flag) => {
        const document = mapping(
          entry("one", one, { above: ["said above"], beside: "said beside" }),
          entry("list", list, { apart: true }),
          entry("items", [mapping(entry("first", one, { above: ["said"] }), entry("flag", flag)), plain({ list })]),
          entry("none", null),
          entry("empty", mapping()),
        );
        const read = { one, list, items: [{ first: one, flag }, { list }], none: null, empty: {} };
        for (const version of ["1.1", "1.2"] as const)
          assert.deepEqual(parse(write(document), { version, merge: false }), read);
      }),
      { numRuns: 300 },
    );
  });
});
