import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  beginning,
  emptyChain,
  fullSegment,
  holdsHead,
  lineOf,
  segmentLength,
  verifyChain,
  withAudit,
} from "../../../src/environments/audit/chain.ts";
import type { AuditAct, AuditChain } from "../../../src/environments/audit/types.ts";

const start = beginning("shop", "production");
const ada = { name: "ada", aliases: ["ada@example.com"], source: "local" } as const;

const acts: fc.Arbitrary<AuditAct> = fc.record({
  action: fc.constantFrom("requested", "approved", "held", "began", "ended"),
  subject: fc.option(fc.string()),
  details: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null))),
});

const logs = fc.array(acts, { minLength: 1, maxLength: 12 }).map((each) => logOf(each));

function logOf(each: readonly AuditAct[]): { chain: AuditChain; lines: string[] } {
  const chain = each.reduce(
    (known, act, index) =>
      withAudit(known, [act], { who: ada, from: "laptop", at: new Date(index * 1000).toISOString() }),
    emptyChain("shop", "production"),
  );
  return { chain, lines: chain.recent.map(lineOf) };
}

const act = (subject: string): AuditAct => ({ action: "held", subject, details: { reason: "demo" } });

describe("the audit log's chain", () => {
  it("a log that nobody touched is whole, whatever was entered", () => {
    fc.assert(fc.property(logs, ({ chain, lines }) => assert.equal(verifyChain(lines, chain, start), null)));
  });

  it("a changed byte is found, whichever, and in which line", () => {
    fc.assert(
      fc.property(logs, fc.nat(), fc.nat(), fc.string({ minLength: 1, maxLength: 1 }), (log, where, at, byte) => {
        const line = where % log.lines.length;
        const text = log.lines[line] ?? "";
        const place = at % text.length;
        fc.pre(text[place] !== byte);
        const tampered = log.lines.with(line, text.slice(0, place) + byte + text.slice(place + 1));
        assert.equal(verifyChain(tampered, log.chain, start)?.line, line + 1);
      }),
      { numRuns: 500 },
    );
  });

  it("a byte more or less is found: a space that means nothing, a missing end of a line", () => {
    fc.assert(
      fc.property(logs, fc.nat(), fc.nat(), fc.boolean(), (log, where, at, more) => {
        const line = where % log.lines.length;
        const text = log.lines[line] ?? "";
        const place = at % text.length;
        const changed = `${text.slice(0, place)}${more ? " " : ""}${text.slice(more ? place : place + 1)}`;
        assert.equal(verifyChain(log.lines.with(line, changed), log.chain, start)?.line, line + 1);
      }),
    );
  });

  it("a line that was taken out is found, where it stood; at the end, by the record's own hash", () => {
    fc.assert(
      fc.property(logs, fc.nat(), ({ chain, lines }, where) => {
        const line = where % lines.length;
        assert.equal(verifyChain(lines.toSpliced(line, 1), chain, start)?.line, line + 1);
      }),
    );
    const { chain, lines } = logOf([act("a"), act("b"), act("c")]);
    assert.deepEqual(verifyChain(lines.slice(0, 1), chain, start), {
      line: 2,
      problem: "it is missing, with all that come after it: the environment record knows 3 entries",
    });
  });

  it("a line that was put in is found: a copy, one of another log, one more at the end", () => {
    fc.assert(
      fc.property(logs, logs, fc.nat(), fc.nat(), (log, other, from, to) => {
        const strange = other.lines[from % other.lines.length] ?? "";
        const place = to % (log.lines.length + 1);
        fc.pre(strange !== log.lines[place]);
        // One that could stand there as well is betrayed by the line after it.
        const found = verifyChain(log.lines.toSpliced(place, 0, strange), log.chain, start)?.line;
        assert.ok(found === place + 1 || found === place + 2, `put in as ${place + 1}, found in ${found}`);
      }),
    );
  });

  it("lines that changed places are found, at the first of them", () => {
    fc.assert(
      fc.property(logs, fc.nat(), fc.nat(), ({ chain, lines }, one, two) => {
        const [first = 0, second = 0] = [one % lines.length, two % lines.length].sort((left, right) => left - right);
        fc.pre(first !== second);
        const swapped = lines.with(first, lines[second] ?? "").with(second, lines[first] ?? "");
        assert.equal(verifyChain(swapped, chain, start)?.line, first + 1);
      }),
    );
  });

  it("a log that was written anew from some entry on fits itself, and is found by an end that somebody remembers", () => {
    const first = logOf([act("a"), act("b"), act("c")]);
    const anew = logOf([act("a"), act("x"), act("c")]);
    assert.equal(verifyChain(anew.lines, anew.chain, start), null);
    assert.ok(holdsHead(first.lines, first.chain.hash, start));
    assert.ok(holdsHead(first.lines, first.chain.hash.slice(0, 12).toUpperCase(), start));
    assert.ok(!holdsHead(anew.lines, first.chain.hash, start));
    assert.ok(!holdsHead(first.lines, "", start));
  });

  it("another environment's log does not pass for this one's", () => {
    const { chain, lines } = logOf([act("a")]);
    assert.equal(verifyChain(lines, chain, beginning("shop", "staging"))?.line, 1);
  });

  it("entries leave the record in files of a fixed size, so that two who write one write the same", () => {
    fc.assert(
      fc.property(fc.nat(3 * segmentLength), (count) => {
        let chain = emptyChain("shop", "production");
        const files: string[] = [];
        for (let index = 0; index < count; index += 1) {
          const full = fullSegment(chain);
          if (full !== null) {
            assert.equal(full.index, files.length);
            files.push(full.text);
          }
          chain = withAudit(full?.rest ?? chain, [act(String(index))], { who: ada, from: "laptop", at: "" });
        }
        const lines = [...files.flatMap((text) => text.split(/(?<=\n)/)), ...chain.recent.map(lineOf)];
        assert.equal(verifyChain(lines, chain, start), null);
        assert.ok(chain.recent.length <= segmentLength);
      }),
    );
  });
});
