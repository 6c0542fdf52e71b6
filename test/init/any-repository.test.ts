import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { answersOf } from "../../src/config/init/answers.ts";
import { propose } from "../../src/config/init/propose.ts";
import { ShiplockError } from "../../src/errors.ts";
import { type Files, readRepository, repositoryNames, treeOf } from "./fixtures.ts";

const nobody = answersOf({ name: null, hosts: [], domains: [], registry: null, tls: null, buildNetwork: null });
const repositories = repositoryNames.map((name) => readRepository(name));

/** One of the test repositories with files left out, cut off, with lines taken out, swapped for another's, or moved into a folder. */
const anyRepository: fc.Arbitrary<Files> = fc
  .record({
    from: fc.constantFrom(...repositories),
    with: fc.constantFrom(...repositories),
    folder: fc.constantFrom("", "", "apps/Straße 1/", "x-a/", "1/", "packages/app/"),
    fates: fc.array(fc.constantFrom("keep", "keep", "keep", "drop", "cut", "thin", "other"), {
      minLength: 20,
      maxLength: 20,
    }),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ from, with: other, folder, fates, at }) =>
    Object.fromEntries(
      Object.entries({ ...other, ...from }).flatMap(([path, text], index) => {
        const place = `${folder}${path}`;
        switch (fates[index % fates.length]) {
          case "drop":
            return [];
          case "cut":
            return [[place, text.slice(0, Math.floor(text.length * at))]];
          case "thin":
            return [
              [
                place,
                text
                  .split("\n")
                  .filter((_, line) => (line + index) % 3 !== 0)
                  .join("\n"),
              ],
            ];
          case "other":
            return [[place, other[path] ?? text]];
          default:
            return [[place, text]];
        }
      }),
    ),
  );

test("whatever a repository holds, init writes a configuration that is valid, or says which file it cannot understand", () => {
  fc.assert(
    fc.property(anyRepository, (files) => {
      try {
        const proposal = propose(treeOf(files, "1 Straße_"), nobody, "/x");
        assert.equal(proposal.files.at(-1)?.path, "shiplock.yml");
      } catch (error) {
        assert.ok(error instanceof ShiplockError, String(error));
        assert.match(error.code, /^init\/(unreadable|nothing-found)$/, `${error.message} ${error.details.join("\n")}`);
        assert.ok(error.remedy !== undefined);
      }
    }),
    { numRuns: 500 },
  );
});

test("no value that looks like a secret in an example or an ignored file is in what is written", () => {
  const value = fc.stringMatching(/^[a-f0-9]{32}$/);
  fc.assert(
    fc.property(value, fc.constantFrom("API_TOKEN", "SESSION_SECRET", "PLAIN", "MAIL_URL"), (secret, name) => {
      const files = {
        "package.json": '{ "scripts": { "start": "node s.js" }, "dependencies": { "express": "5" } }',
        "s.js": `process.env.${name};`,
        ".env.example": `${name}=${name === "MAIL_URL" ? `smtp://tea:${secret}@mail` : `a1${secret}`}\n`,
      };
      const proposal = propose(treeOf(files, "tea", { ".env": `OTHER=${secret}\n` }), nobody, "/x");
      assert.ok(!JSON.stringify(proposal).includes(secret));
    }),
  );
});
