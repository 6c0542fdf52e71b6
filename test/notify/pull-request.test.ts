import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createFakeCommitMarks } from "../../src/notify/fake-commit-marks.ts";
import { createFakePullRequestComments } from "../../src/notify/fake-pull-comments.ts";
import { createCommitStatus, markOf } from "../../src/notify/commit-status.ts";
import { createPullRequestComment } from "../../src/notify/pull-request.ts";
import { mergeRows, rowOf, rowsOf, tableBody, type TableRow } from "../../src/notify/pull-request-table.ts";
import { noticeEvents } from "../../src/notify/types.ts";
import { commitMarksContract } from "./marks-contract.ts";
import { pullCommentsContract } from "./pull-comments-contract.ts";
import { hostile, notice } from "./samples.ts";

const { commit } = notice();
const [first, second] = ["a".repeat(40), "b".repeat(40)];
const signal = new AbortController().signal;

commitMarksContract({
  name: "memory",
  open: async () => {
    const marks = createFakeCommitMarks([first, second]);
    return { marks, commits: [first, second], shown: async (hash) => marks.shown(hash) };
  },
});

pullCommentsContract({
  name: "memory",
  open: async () => {
    const comments = createFakePullRequestComments({ [first]: 12 });
    return {
      ...{ comments, commit: first, pull: 12, other: second },
      says: async (body) => comments.says(12, body),
      shown: async () => comments.shown().map(({ body }) => body),
    };
  },
});

function commenting() {
  const comments = createFakePullRequestComments({ [commit ?? ""]: 12 });
  const notifier = createPullRequestComment({ name: "pull-request", project: "shop", comments });
  return { comments, notifier };
}

test("a pull request gets one comment, a table of where its commit is, with release, address, who and when", async () => {
  const { comments, notifier } = commenting();
  const staging = {
    environment: "staging",
    links: { url: "https://staging.example.com/", log: "https://ci.example.com/1" },
  };
  await notifier.tell(notice("started", { ...staging, at: "2026-11-20T09:00:00.000Z" }), signal);
  await notifier.tell(notice("succeeded", { ...staging, at: "2026-11-20T09:01:00.000Z" }), signal);
  const said = await notifier.tell(notice("waiting", { outcome: "reviewers: one approval" }), signal);
  assert.deepEqual([said.status, said.detail], ["delivered", "comment https://example.com/pull/12#ours"]);
  const [comment, ...more] = comments.shown();
  assert.deepEqual(more, []);
  const table = seen(comment?.body ?? "");
  assert.match(
    table,
    /\| staging \| ✅ deployed \| 4f2a9c1-8be13d \| \[staging.example.com\/\]\(<https:\/\/staging.example.com\/>\) \| ada \| 2026-11-20 09:01 UTC · \[log\]/,
  );
  assert.match(table, /\| production \| 🔵 waiting \|/);
});

test("what failed says why below the table, and a rollback is told as one", async () => {
  const { comments, notifier } = commenting();
  await notifier.tell(notice("rolled-back", { outcome: "web did not become healthy" }), signal);
  assert.match(
    seen(comments.shown()[0]?.body ?? ""),
    /❌ failed and went back \|.*\n\n\*\*production\*\*: web did not become healthy/,
  );
  await notifier.tell(notice("succeeded", { kind: "rollback", at: "2026-11-20T11:00:00.000Z" }), signal);
  const table = seen(comments.shown()[0]?.body ?? "");
  assert.match(table, /✅ deployed \(a rollback\)/);
  assert.doesNotMatch(table, /healthy/);
});

test("what is about no commit in an environment, and a commit without a pull request, write nothing", async () => {
  const { comments, notifier } = commenting();
  for (const told of [
    notice("check-failed", { environment: null }),
    notice("hold-placed"),
    notice("succeeded", { commit: null }),
    notice("succeeded", { commit: first }),
  ])
    assert.equal((await notifier.tell(told, signal)).status, "delivered");
  assert.deepEqual(comments.shown(), []);
});

test("a sample leaves neither a row nor a comment behind, and marks no environment", async () => {
  const { comments, notifier } = commenting();
  const sample = notice("succeeded", { kind: "test" });
  assert.match((await notifier.tell(sample, signal)).detail, /a comment on #12, taken away again/);
  assert.deepEqual(comments.shown(), []);
  assert.equal(markOf(sample)?.context, "shiplock notify test");
});

test("the row of a later notice stands, in whatever order they arrive and whoever merges them", () => {
  fc.assert(
    fc.property(fc.array(anyRow(), { maxLength: 12 }), fc.integer({ min: 0, max: 12 }), (rows, cut) => {
      const merged = mergeRows(rows);
      assert.deepEqual(mergeRows(rows.toReversed()), merged);
      assert.deepEqual(mergeRows(merged), merged);
      assert.deepEqual(mergeRows([...mergeRows(rows.slice(0, cut)), ...mergeRows(rows.slice(cut))]), merged);
      for (const row of merged) {
        const same = rows.filter(({ environment }) => environment === row.environment);
        assert.ok(same.every(({ at }) => at <= row.at));
      }
    }),
  );
});

test("what begins and ends in the same moment has ended", () => {
  for (const end of ["succeeded", "failed", "rolled-back", "interrupted"] as const) {
    const rows = [notice(end), notice("started"), notice("waiting")].flatMap((each) => rowOf(each) ?? []);
    assert.deepEqual(
      mergeRows(rows).map(({ event }) => event),
      [end],
    );
  }
});

test("whatever stands in a row, it is read again as it was, and the comment has as many lines as it has rows", () => {
  fc.assert(
    fc.property(fc.array(anyRow(), { maxLength: 6 }), (rows) => {
      const body = tableBody("shop", rows);
      assert.deepEqual(rowsOf(body), mergeRows(rows));
      assert.deepEqual(rowsOf(body.replaceAll("\n", "\r\n")), mergeRows(rows), "edited in a browser");
      assert.equal(body.split("\n").filter((line) => line.startsWith("| ")).length, mergeRows(rows).length + 1);
      assert.equal(tableBody("shop", rowsOf(body)), body);
      assert.ok(body.length < 65_536, `${body.length}`);
    }),
  );
  for (const broken of [
    "",
    "<!-- shiplock:deployments shop -->\n<!-- {} -->",
    "<!-- shiplock:deployments shop -->\n<!-- {{ -->",
  ])
    assert.deepEqual(rowsOf(broken), []);
});

test("a comment keeps to GitHub's 65,536 characters, and leaves out what is oldest", () => {
  const long = "|".repeat(300);
  const rows = Array.from(
    { length: 40 },
    (_, index): TableRow => ({
      ...{
        environment: `e-${index}`,
        event: "failed",
        level: "bad",
        kind: long,
        release: long,
        commit: first,
        who: long,
      },
      ...{ at: new Date(index * 1_000).toISOString(), outcome: long, url: `https://a.example/${long}`, log: null },
    }),
  );
  const body = tableBody("shop", rows);
  const kept = rowsOf(body).map(({ environment }) => environment);
  assert.ok(body.length < 65_536 && kept.length > 3 && kept.length < 40);
  assert.deepEqual(
    kept.toSorted(),
    rows
      .slice(-kept.length)
      .map(({ environment }) => environment)
      .toSorted(),
  );
  assert.equal(tableBody("shop", [...rowsOf(body), ...rows]), body);
});

test("nothing that comes from outside is a mention, a link, HTML or a cell of the table", () => {
  const wild = `${hostile} @acme/everybody #12 GH-12 https://evil.example [x](javascript:alert) ![y](z) | <img src=x> --> www.evil.example a@b.example`;
  const told = notice("failed", {
    ...{ who: wild, outcome: wild, release: wild, kind: wild, environment: wild },
    links: { url: "javascript:alert(1)", log: "https://x.example/a)>|<b" },
  });
  const row = rowOf(told);
  assert.ok(row !== null);
  const [, , ...lines] = tableBody("shop", [row]).split("\n");
  const text = lines.join("\n");
  assert.doesNotMatch(text, /<img|<b>|https:\/\/evil|www\.evil|javascript:|-->|!\[|\u202e|\u0000|\u001b/);
  assert.doesNotMatch(
    text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code))),
    /[@#]\w/,
  );
  assert.equal(
    lines.filter((line) => /(?<!\\)\|/.test(line) && !/^\|( [^|]*\|){6}$|^\|(---\|){6}$/.test(line)).length,
    0,
    text,
  );
  assert.match(text, /\(<https:\/\/x\.example\/a%29%3E%7C%3Cb>\)/i);
});

test("of every event it is decided what it is in the table and what beside the commit, and both agree on what says nothing", () => {
  for (const event of noticeEvents) {
    const told = notice(event);
    assert.equal(rowOf(told) === null, markOf(told) === null, event);
    assert.equal(markOf({ ...told, environment: null }), null, `${event}: no later mark would take it back`);
  }
});

test("an other side that fails is an answer with what to do", async () => {
  const { notifier } = commenting();
  const stopped = await notifier.tell(notice(), AbortSignal.abort(new Error("time is over")));
  assert.deepEqual([stopped.status, stopped.detail], ["failed", "time is over"]);
  const status = createCommitStatus({ name: "commit-status", marks: createFakeCommitMarks([]) });
  assert.deepEqual((await status.tell(notice(), signal)).status, "failed");
});

/** As people see it: entities are the letters that they stand for, and what is hidden is not there. */
function seen(body: string): string {
  return body
    .replaceAll(/<!--.*?-->/g, "")
    .replaceAll("&#8203;", "")
    .replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}

function anyRow(): fc.Arbitrary<TableRow> {
  const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom(hostile, "|", "-->", "@ada", "`", "\n"));
  const time = fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true });
  return fc.record(
    {
      environment: fc.constantFrom("staging", "production", "qa"),
      event: fc.constantFrom(...noticeEvents.filter((event) => markOf(notice(event)) !== null)),
      level: fc.constantFrom("info", "good", "warning", "bad"),
      kind: fc.option(text),
      release: fc.option(text),
      commit: fc.constantFrom(first, second),
      who: text,
      at: time.map((date) => date.toISOString()),
      outcome: fc.option(text),
      url: fc.option(fc.oneof(fc.webUrl(), text)),
      log: fc.option(fc.webUrl()),
    },
    { noNullPrototype: true },
  );
}
