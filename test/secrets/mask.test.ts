import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createMasker } from "../../src/secrets/mask.ts";

const secret = fc
  .string({ minLength: 8, maxLength: 40, unit: "grapheme" })
  .filter((text) => text.trim().length >= 8 && !text.includes("*"));
const around = fc.stringMatching(/^[ -)+-~]{0,30}$/);

describe("masking", () => {
  it("a secret is found wherever it stands, as it is, in an address, in JSON and in base64", () => {
    fc.assert(
      fc.property(secret, around, around, (value, before, after) => {
        const mask = createMasker([value]);
        const forms = [
          value,
          encodeURIComponent(value),
          JSON.stringify(value).slice(1, -1),
          Buffer.from(value).toString("base64"),
        ];
        for (const form of forms) {
          const seen = mask(`${before} ${form} ${after}`);
          assert.ok(!seen.includes(form), `${form} in ${seen}`);
        }
      }),
    );
  });

  it("a secret is found in the base64 of something longer, as a login header has it", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9+/_-]{12,40}$/), fc.stringMatching(/^[a-z]{1,12}$/), (value, user) => {
        const mask = createMasker([value]);
        for (const encoding of ["base64", "base64url"] as const) {
          const header = Buffer.from(`${user}:${value}\n`).toString(encoding);
          const seen = mask(`authorization: Basic ${header}`);
          // What is left may be the beginning and end that are mixed with its neighbours, nothing that could be read.
          assert.ok(
            !Buffer.from(seen.split(" ").at(-1) ?? "", encoding)
              .toString("latin1")
              .includes(value.slice(2, -2)),
            seen,
          );
          assert.ok(seen.includes("***"), seen);
        }
      }),
    );
  });

  it("of secrets that contain each other the longer one goes first, and none is left in part", () => {
    const mask = createMasker(["pass", "password123"]);
    assert.equal(mask("password123 pass"), "*** ***");
  });

  it("each line of a key is masked by itself", () => {
    const key = "-----BEGIN KEY-----\nMIIEvgIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----";
    assert.equal(createMasker([key])("log: hkiG9w0BAQEFAASC"), "log: ***");
  });

  it("text without a secret stays as it is, and so does all text when there are none or only short ones", () => {
    assert.equal(createMasker(["s3cret-value"])("nothing to see"), "nothing to see");
    assert.equal(createMasker([])("abc"), "abc");
    assert.equal(createMasker(["", "1", "abc"])("1 abc"), "1 abc");
  });

  it("what looks like a pattern in a secret is only text", () => {
    assert.equal(createMasker([".*+?^${}()|[]\\"])("x .*+?^${}()|[]\\ y"), "x *** y");
  });
});

describe("the ways in which other languages' libraries write a value", () => {
  const value = `p@ss/w&rd+<'"=x\`y`;
  const written: [string, string][] = [
    ["Go's encoding/json", `p@ss/w\\u0026rd+\\u003c'\\"=x\`y`],
    ["Gson", `p@ss/w\\u0026rd+\\u003c\\u0027\\"\\u003dx\`y`],
    [".NET's System.Text.Json", `p@ss/w\\u0026rd\\u002B\\u003C\\u0027\\u0022=x\\u0060y`],
    ["PHP with every JSON_HEX flag", `p@ss\\/w\\u0026rd+\\u003C\\u0027\\u0022=x\`y`],
    ["Python's html.escape", `p@ss/w&amp;rd+&lt;&#x27;&quot;=x\`y`],
    ["Go's html.EscapeString", `p@ss/w&amp;rd+&lt;&#39;&#34;=x\`y`],
    ["Go's html/template", `p@ss/w&amp;rd&#43;&lt;&#39;&#34;=x\`y`],
    ["Handlebars", `p@ss/w&amp;rd+&lt;&#x27;&quot;&#x3D;x&#x60;y`],
    ["the login of an address, as browsers write it", `p%40ss%2Fw&rd+%3C'%22%3Dx%60y`],
    ["the login of an address, as Go writes it", `p%40ss%2Fw&rd+%3C%27%22=x%60y`],
    ["Python's urllib.parse.quote", `p%40ss/w%26rd%2B%3C%27%22%3Dx%60y`],
    ["a line of `sh -x`", `'p@ss/w&rd+<'\\''"=x\`y'`],
  ];
  for (const [who, form] of written)
    it(`hide nothing from the mask: ${who}`, () => {
      assert.doesNotMatch(createMasker([value])(`before ${form} after`), /ss|rd/);
    });
});
