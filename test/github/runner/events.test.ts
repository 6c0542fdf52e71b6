import assert from "node:assert/strict";
import { test } from "node:test";
import { parseOfficially } from "../official/parser.ts";
import { type GitHubEvent, filterPattern, wants } from "./events.ts";
import { cellsOf } from "./matrix.ts";
import { pairsOf } from "./command-files.ts";

const push = (ref: string): GitHubEvent => ({ name: "push", payload: {}, ref, sha: "", actor: "ada" });
const pull = (action: string, base: string): GitHubEvent => ({
  name: "pull_request",
  payload: { action, pull_request: { base: { ref: base } } },
  ref: "refs/pull/1/merge",
  sha: "",
  actor: "ada",
});

async function wanted(on: string, event: GitHubEvent): Promise<boolean> {
  const jobs = "jobs: { a: { runs-on: x, steps: [{ run: 'true' }] } }";
  const { events } = await parseOfficially("w.yml", `on: ${on}\n${jobs}\n`);
  return wants({ file: "w.yml", on: events }, event);
}

test("patterns of filters mean what GitHub's cheat sheet says", () => {
  for (const [pattern, fits, not] of [
    ["feature/*", "feature/a", "feature/a/b"],
    ["feature/**", "feature/a/b", "features"],
    ["main", "main", "mainly"],
    ["*", "main", "a/b"],
    ["**", "a/b", ""],
    ["v2*", "v2.0", "2"],
    ["v[12].[0-9]+.[0-9]+", "v1.10.1", "v3.1.1"],
    ["**/docs/**", "x/docs/y", "xdocs"],
    [String.raw`a\+b`, "a+b", "aab"],
    ["colou?r", "color", "colouur"],
  ] as const) {
    assert.ok(filterPattern(pattern).test(fits), `${pattern} fits ${fits}`);
    if (pattern !== "**") assert.ok(!filterPattern(pattern).test(not), `${pattern} does not fit ${not}`);
  }
});

test("a push of a branch starts no workflow that names tags alone, and the last pattern that fits decides", async () => {
  assert.equal(await wanted("push", push("refs/tags/v1")), true);
  assert.equal(await wanted("{ push: { branches: [main] } }", push("refs/tags/v1")), false);
  assert.equal(await wanted("{ push: { tags: ['v*'] } }", push("refs/heads/v1")), false);
  assert.equal(await wanted("{ push: { branches: [main], tags: ['v*'] } }", push("refs/tags/v1")), true);
  assert.equal(await wanted("{ push: { branches: ['r/**', '!r/**-alpha'] } }", push("refs/heads/r/1-alpha")), false);
  assert.equal(await wanted("{ push: { branches-ignore: [wip] } }", push("refs/heads/main")), true);
  assert.equal(await wanted("{ push: { branches-ignore: [wip] } }", push("refs/heads/wip")), false);
});

test("a pull request starts workflows when it is opened, pushed to or opened again, unless they name other types", async () => {
  assert.equal(await wanted("pull_request", pull("synchronize", "main")), true);
  assert.equal(await wanted("pull_request", pull("closed", "main")), false);
  assert.equal(await wanted("{ pull_request: { types: [closed] } }", pull("closed", "main")), true);
  assert.equal(await wanted("{ pull_request: { branches: [main] } }", pull("opened", "release")), false);
});

test("a matrix leaves out what is excluded, and widens or adds what is included", () => {
  const { cells, failFast } = cellsOf({
    "fail-fast": false,
    matrix: {
      os: ["a", "b"],
      n: [1, 2],
      exclude: [{ os: "b", n: 2 }],
      include: [{ os: "a", extra: true }, { os: "c" }],
    },
  });
  assert.equal(failFast, false);
  assert.deepEqual(
    cells.map(({ matrix }) => matrix),
    [{ os: "a", n: 1, extra: true }, { os: "a", n: 2, extra: true }, { os: "b", n: 1 }, { os: "c" }],
  );
});

test("outputs of several lines are read up to their end, and a line that is none fails the step", () => {
  assert.deepEqual(pairsOf("a=1=2\nb<<END_1\nx\ny=z\nEND_1\nc=\n"), { a: "1=2", b: "x\ny=z", c: "" });
  assert.throws(() => pairsOf("b<<END\nx\n"), /no end/);
  assert.throws(() => pairsOf("nothing\n"), /neither/);
});
