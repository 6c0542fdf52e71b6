import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readCobertura } from "../../../src/checks/reports/cobertura.ts";
import { readEslint } from "../../../src/checks/reports/eslint.ts";
import { readJunit } from "../../../src/checks/reports/junit.ts";
import { readLcov } from "../../../src/checks/reports/lcov.ts";
import { readSarif } from "../../../src/checks/reports/sarif.ts";
import { reportBytesAtMost } from "../../../src/checks/reports/unreadable.ts";
import { ShiplockError } from "../../../src/errors.ts";
import { fixture, refusal, text } from "./support.ts";

type Reader = (bytes: Uint8Array, file: string) => unknown;

const readers = [
  [readJunit, "pytest.xml"],
  [readJunit, "surefire.xml"],
  [readJunit, "node.xml"],
  [readLcov, "lcov.info"],
  [readCobertura, "coverage.xml"],
  [readEslint, "eslint.json"],
  [readSarif, "findings.sarif.json"],
] as const satisfies readonly (readonly [Reader, string])[];

/** Reads, or is refused in the one way that names file and reason. */
function outcome(read: Reader, bytes: Uint8Array): "read" | "refused" {
  try {
    read(bytes, "report");
    return "read";
  } catch (error) {
    assert.ok(error instanceof ShiplockError && error.code === "check/report-unreadable", String(error));
    assert.equal(error.where, "report");
    return "refused";
  }
}

for (const [read, name] of readers) {
  describe(`${name}, damaged`, () => {
    it("is refused wherever it is cut off, but for blanks at its end", async () => {
      const whole = await fixture(name);
      const end = new TextDecoder().decode(whole).trimEnd().length;
      const bytes = Buffer.from(new TextDecoder().decode(whole).trimEnd());
      assert.ok(end > 0);
      for (let length = 0; length < bytes.length; length += 7) {
        const part = bytes.subarray(0, length);
        // lcov's records are whole by themselves; between two nothing shows that more was to come.
        const complete = read === readLcov && /end_of_record\s*(?:TN:.*\s*)?$/.test(part.toString());
        assert.equal(outcome(read, part), complete ? "read" : "refused", `cut at ${length}`);
      }
    });

    it("is read or refused, and nothing else, with any byte another one", async () => {
      const whole = Buffer.from(await fixture(name));
      fc.assert(
        fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
          const bytes = Buffer.from(whole);
          bytes[at] = byte;
          outcome(read, bytes);
        }),
      );
    });

    it("rubbish and reports that are too large are refused", () => {
      fc.assert(
        fc.property(fc.oneof(fc.uint8Array(), fc.string().map(text)), (bytes) => {
          assert.equal(outcome(read, bytes), "refused");
        }),
      );
      assert.match(refusal(() => read(new Uint8Array(reportBytesAtMost + 1), "r")).message, /67108865 bytes/);
    });
  });
}

describe("an XML report", () => {
  it("that declares entities is refused, and so is one that uses any", () => {
    const bomb = `<?xml version="1.0"?><!DOCTYPE t [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><testsuite name="&b;"/>`;
    const external = `<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite name="&x;"/>`;
    const parameter = `<!DOCTYPE t [<!ENTITY % x SYSTEM "http://127.0.0.1/x"> %x;]><testsuite/>`;
    for (const written of [bomb, external, parameter]) {
      assert.match(refusal(() => readJunit(text(written), "r.xml")).message, /declares entities/);
    }
    assert.match(refusal(() => readJunit(text('<testsuite name="&b;"/>'), "r.xml")).message, /no proper XML/);
    assert.match(refusal(() => readJunit(text("<testsuite>&nbsp;</testsuite>"), "r.xml")).message, /no proper XML/);
  });

  it("with long messages and output is read, and one with an attribute without end is refused", () => {
    const long = "ä&amp;".repeat(400_000);
    const report = `<testsuite><testcase name="a"><failure message="${long}">${long}</failure><system-out>${long}</system-out></testcase></testsuite>`;
    assert.equal(readJunit(text(report), "r.xml").failures[0]?.message.slice(0, 4), "ä&ä&");
    const endless = text(`<testsuite name="${"x".repeat(9_000_000)}`);
    assert.match(refusal(() => readJunit(endless, "r.xml")).message, /max buffer length exceeded/);
  });

  it("that is broken is refused with the line", () => {
    const { message } = refusal(() => readJunit(text("<testsuite>\n<testcase>\n</testsuite>"), "r.xml"));
    assert.equal(message, "the report cannot be read: it is no proper XML: unexpected close tag (line 3)");
  });

  it("nested without end is refused", () => {
    assert.match(refusal(() => readJunit(text("<testsuite>".repeat(300)), "r.xml")).message, /nested deeper than 200/);
  });

  it("is read in the encoding that it names", () => {
    const latin = Buffer.from(
      '<?xml version="1.0" encoding="ISO-8859-1"?><testsuite name="Größe"><error/></testsuite>',
      "latin1",
    );
    assert.deepEqual(readJunit(latin, "r.xml").failures[0]?.name, "Größe");
    const wide = Buffer.from(
      '\ufeff<?xml version="1.0" encoding="UTF-16"?><testsuite name="Größe"><error/></testsuite>',
      "utf16le",
    );
    assert.deepEqual(readJunit(wide, "r.xml").failures[0]?.name, "Größe");
    assert.match(
      refusal(() => readJunit(text('<?xml version="1.0" encoding="klingon"?><testsuite/>'), "r")).message,
      /klingon/,
    );
    assert.match(refusal(() => readJunit(latin.subarray(44), "r.xml")).message, /not text in utf-8/);
  });
});
