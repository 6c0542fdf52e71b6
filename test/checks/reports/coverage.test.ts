import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readCobertura } from "../../../src/checks/reports/cobertura.ts";
import { readLcov } from "../../../src/checks/reports/lcov.ts";
import { fixture, refusal, text } from "./support.ts";

describe("a coverage report of lcov", () => {
  it("counts its sums, and the lines of a file with several records: covered is what one of them covered", async () => {
    assert.deepEqual(readLcov(await fixture("lcov.info"), "lcov.info"), {
      percent: 62.5,
      leastCovered: [
        { file: "web/app/cart.ts", percent: 50 },
        { file: "web/app/page.tsx", percent: 75 },
      ],
    });
  });

  it("splitting a file's record by test changes nothing", () => {
    const lines = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.boolean()), {
      minLength: 1,
      selector: ([line]) => line,
    });
    fc.assert(
      fc.property(lines, fc.infiniteStream(fc.boolean()), (all, chance) => {
        const data = (of: typeof all): string => of.map(([line, run]) => `DA:${line},${run ? 1 : 0}\n`).join("");
        const record = (of: typeof all): string => `SF:a.ts\n${data(of)}end_of_record\n`;
        const part = all.filter(() => chance.next().value);
        const rest = all.filter((one) => !part.includes(one));
        assert.deepEqual(readLcov(text(record(part) + record(rest)), "l"), readLcov(text(record(all)), "l"));
      }),
    );
  });

  it("of files without lines measures nothing", () => {
    assert.deepEqual(readLcov(text("SF:a.ts\nLF:0\nLH:0\nend_of_record\n"), "l"), { percent: null, leastCovered: [] });
  });

  for (const [what, written, why] of [
    ["cut off", "SF:a\nDA:1,1\n", /ends in the middle of a record/],
    ["of another format", '{"total": {}}\n', /line 1 is nothing that lcov writes/],
    ["whose numbers are none", "SF:a\nDA:one,1\nend_of_record\n", /line 2 has no number after DA/],
    ["with a record in a record", "SF:a\nSF:b\n", /line 2 begins a record within another/],
    ["with lines of no file", "TN:\nDA:1,1\n", /line 2 belongs to no file/],
    ["without a record", "TN:\n", /holds no record/],
    ["that is empty", "", /is empty/],
  ] as const) {
    it(`${what} is refused`, () => {
      assert.match(refusal(() => readLcov(text(written), "lcov.info")).message, why);
    });
  }
});

describe("a coverage report of Cobertura", () => {
  it("by coverage.py", async () => {
    assert.deepEqual(readCobertura(await fixture("coverage.xml"), "coverage.xml"), {
      percent: 60,
      leastCovered: [{ file: "worker.py", percent: 20 }],
    });
  });

  it("counts a line once, however many methods and classes of a file list it", async () => {
    assert.deepEqual(readCobertura(await fixture("cobertura-java.xml"), "c.xml"), {
      percent: 75,
      leastCovered: [{ file: "com/example/Order.java", percent: 75 }],
    });
  });

  it("a line is covered if one of the places that list it says so", () => {
    const line = (hits: number): string =>
      `<class filename="a.cs"><lines><line number="1" hits="${hits}"/></lines></class>`;
    for (const lines of [line(1) + line(0), line(0) + line(1)]) {
      assert.equal(readCobertura(text(`<coverage>${lines}</coverage>`), "c.xml").percent, 100);
    }
  });

  it("without lines is believed in its sums, then in its rate", () => {
    const percent = (attributes: string): number | null =>
      readCobertura(text(`<coverage ${attributes}><packages/></coverage>`), "c.xml").percent;
    assert.equal(percent('lines-valid="8" lines-covered="3" line-rate="0.9"'), 37.5);
    assert.equal(percent('line-rate="0.29"'), 29);
    assert.equal(percent('lines-valid="0" lines-covered="0" line-rate="1"'), null);
  });

  for (const [what, written, why] of [
    ["of another tool", "<report name='jacoco'/>", /root is <report>, and <coverage> is expected/],
    ["without any figure", "<coverage/>", /neither lines nor a line-rate/],
    ["with a rate that is none", "<coverage line-rate='71.4'/>", /no number from 0 to 1/],
    [
      "with lines that lack their hits",
      "<coverage><class filename='a'><line number='1'/></class></coverage>",
      /lacks its number or its hits/,
    ],
  ] as const) {
    it(`${what} is refused`, () => {
      assert.match(refusal(() => readCobertura(text(written), "c.xml")).message, why);
    });
  }
});
