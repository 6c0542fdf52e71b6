import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createMasker, createMaskStream, maskedJson, type Masker } from "../../src/secrets/mask.ts";

/** What may stand around a secret shares no character with one, so that what is left of one is seen. */
const ordinary = fc.stringMatching(/^[ .,:;\n]{0,40}$/);
const secret = fc.oneof(
  fc.stringMatching(/^[a-zA-Z0-9+/=&%"\\é -]{8,60}$/),
  fc.array(fc.stringMatching(/^[a-zA-Z0-9+/]{8,20}$/), { minLength: 2, maxLength: 4 }).map((lines) => lines.join("\n")),
);
const value = secret.map((text) => text.trim()).filter((text) => text.length >= 8);

/** The ways in which a program may show a value. */
const ways: Readonly<Record<string, (text: string) => string>> = {
  "as it is": (text) => text,
  "with line ends of Windows": (text) => text.replaceAll("\n", "\r\n"),
  indented: (text) => text.replaceAll("\n", "\n      "),
  "in one line": (text) => text.replaceAll("\n", " "),
  base64: (text) => Buffer.from(text).toString("base64"),
  "url-safe base64": (text) => Buffer.from(text).toString("base64url"),
  "base64 with what follows": (text) => Buffer.from(`${text}\n`).toString("base64"),
  hex: (text) => Buffer.from(text).toString("hex"),
  "upper-case hex": (text) => Buffer.from(text).toString("hex").toUpperCase(),
  "in an address": encodeURIComponent,
  "in a form": (text) => new URLSearchParams({ v: text }).toString().slice(2),
  "in JSON": (text) => JSON.stringify(text).slice(1, -1),
  "in JSON within JSON": (text) => JSON.stringify(JSON.stringify(text).slice(1, -1)).slice(1, -1),
  "wrapped by base64": (text) => Buffer.from(text).toString("base64").replaceAll(/.{8}/g, "$&\n"),
  wrapped: (text) => text.replaceAll(/.{7}/g, "$&\n  "),
};
const way = fc.constantFrom(...Object.keys(ways));
const written = fc.record({ value, way, before: ordinary, after: ordinary });

function shown({
  value: text,
  way: how,
  before,
  after,
}: {
  value: string;
  way: string;
  before: string;
  after: string;
}) {
  return `${before} ${ways[how]?.(text) ?? ""} ${after}`;
}

/** What nobody who has the text could take for a piece of the secret: the mask and what stood around it. */
function assertNothingLeft(out: string, label: string): void {
  // Of a broken one, three characters may have been shown before the first break; of base64, one that is mixed with a neighbour.
  const left = out.replaceAll("***", "").replaceAll(/[ .,:;\r\n]+/g, " ");
  for (const piece of left.split(" ")) assert.ok(piece.length <= 4, `${label}: ${JSON.stringify(piece)} in ${out}`);
}

function throughStream(masker: Masker, text: string, cuts: readonly number[]): string {
  const stream = masker.stream();
  const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((left, right) => left - right);
  let out = "";
  let at = 0;
  for (const place of [...places, text.length]) {
    out += stream.push(text.slice(at, place));
    at = place;
  }
  return out + stream.end();
}

describe("masking of text that arrives in pieces", () => {
  it("nothing of a secret is let through, whatever its form and wherever the text is cut", () => {
    fc.assert(
      fc.property(
        fc.array(written, { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        (all, cuts) => {
          const masker = createMasker(all.map((one) => one.value));
          const out = throughStream(masker, all.map(shown).join(""), cuts);
          assertNothingLeft(out, all.map((one) => one.way).join(", "));
        },
      ),
      { numRuns: 500 },
    );
  });

  it("at no moment is anything shown of a secret that is not complete yet", () => {
    fc.assert(
      fc.property(written, (one) => {
        const stream = createMaskStream([one.value]);
        let out = "";
        for (const character of shown(one)) {
          out += stream.push(character);
          assertNothingLeft(out, one.way);
        }
      }),
      { numRuns: 200 },
    );
  });

  it("what comes out does not depend on the pieces in which it went in", () => {
    fc.assert(
      fc.property(fc.array(written, { maxLength: 3 }), fc.array(fc.nat(), { maxLength: 30 }), (all, cuts) => {
        const masker = createMasker(all.map((one) => one.value));
        const text = all.map(shown).join("");
        assert.equal(throughStream(masker, text, cuts), masker(text));
      }),
      { numRuns: 300 },
    );
  });

  it("text that holds no secret passes unchanged, and holds nothing back that cannot be one", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.array(fc.nat(), { maxLength: 10 }), (text, cuts) => {
        const masker = createMasker(["§§never§§in§§the§§text§§", "§another\none"]);
        fc.pre(!text.includes("§"));
        assert.equal(throughStream(masker, text, cuts), text);
      }),
    );
    const stream = createMaskStream(["correct horse battery staple"]);
    assert.equal(stream.push("all is well\n"), "all is well\n");
  });

  it("what is held back is never longer than a broken secret may be, however much comes", () => {
    const stream = createMaskStream(["secret-in-two-words and-more"]);
    let out = stream.push("secret-in-two-words").length;
    for (let count = 0; count < 10_000; count += 1) out += stream.push(" ").length;
    assert.ok(out > 9_000, `only ${out} of 10,019 characters came out`);
  });

  it("a secret that is added while a stream is open is masked from then on", () => {
    const masker = createMasker([]);
    const stream = masker.stream();
    assert.equal(stream.push("late-secret "), "late-secret ");
    masker.add(["late-secret"]);
    assert.equal(stream.push("late-secret ") + stream.end(), "*** ");
  });

  it("the time grows with the text and not with the number of secrets", () => {
    const line = "2026-11-21T18:41:31Z web-1 GET /api/items?id=123 200 12ms ok\n";
    const few = createMasker(["a-secret-of-the-shop"]);
    const many = createMasker(
      Array.from({ length: 200 }, (_none, index) => `secret number ${index} ${"x".repeat(20)}`),
    );
    const took = (masker: Masker, text: string): number => {
      const times = Array.from({ length: 5 }, () => {
        const began = performance.now();
        masker(text);
        return performance.now() - began;
      });
      return Math.min(...times);
    };
    const short = line.repeat(2_000);
    const long = line.repeat(16_000);
    took(many, short);
    const growth = took(many, long) / took(many, short);
    assert.ok(growth < 8 * 4, `8 times the text took ${growth.toFixed(1)} times as long`);
    const cost = took(many, long) / took(few, long);
    assert.ok(cost < 20, `200 secrets took ${cost.toFixed(1)} times as long as one`);
  });
});

describe("masking of lines", () => {
  function throughLines(values: readonly string[], lines: readonly string[]): { told: string[]; late: string[] } {
    const told: string[] = [];
    const mask = createMasker(values).lines<number>((index, line) => told.push(`${index} ${line}`));
    lines.forEach((line, index) => mask.push(index, line));
    const before = told.length;
    mask.end();
    return { told, late: told.slice(before) };
  }

  it("a secret that a program broke over lines is masked on each of them, and every line stays a line", () => {
    const key = "correct-horse-battery-staple";
    const { told } = throughLines([key], ["login with correct-horse", "  -battery", "-staple now", "done"]);
    assert.deepEqual(told, ["0 login with ***", "1 ***", "2 *** now", "3 done"]);
  });

  it("a line is told at once unless it ends like the beginning of a secret", () => {
    const { late } = throughLines(["correct-horse"], ["waiting for c", "and cor"]);
    assert.deepEqual(late, []);
    assert.deepEqual(throughLines(["correct-horse"], ["corre"]).late, ["0 corre"]);
  });

  it("lines without a secret come out as they went in, empty ones too", () => {
    const lines = fc.array(fc.stringMatching(/^[a-m ]{0,20}$/), { maxLength: 10 });
    fc.assert(
      fc.property(lines, (all) => {
        const { told } = throughLines(["nothing-of-this"], all);
        assert.deepEqual(
          told,
          all.map((line, index) => `${index} ${line}`),
        );
      }),
    );
  });
});

describe("JSON with masked values", () => {
  it("is JSON whatever the secret is", () => {
    const masker = createMasker(["1234", "kind", '","x":"']);
    const document = { kind: "a", milliseconds: 612_345, at: new Date(0), pin: 1234, text: 'a","x":"b', none: null };
    const read: unknown = JSON.parse(maskedJson(document, masker) ?? "");
    assert.deepEqual(read, {
      "***": "a",
      milliseconds: 612_345,
      at: "1970-01-01T00:00:00.000Z",
      pin: "***",
      text: "a***b",
      none: null,
    });
  });

  it("masks a secret that is broken over the lines of a list", () => {
    const masker = createMasker(["correct-horse-battery"]);
    assert.equal(
      maskedJson({ details: ["correct-", "horse-battery", "end"] }, masker),
      '{"details":["***","***","end"]}',
    );
  });
});
