import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { imageVariable } from "../../../src/targets/compose/tokens.ts";

/** What Compose takes as a service's name, of few characters, so that names are often nearly the same. */
const service = fc.stringMatching(/^[aA1][aA1._-]{0,4}$/);

describe("the variable of a service's image", () => {
  it("is another one for every service, also where names differ only in hyphens, dots, underscores or capitals", () => {
    fc.assert(
      fc.property(fc.uniqueArray(service, { minLength: 2, maxLength: 60 }), (names) => {
        assert.equal(new Set(names.map(imageVariable)).size, names.length);
      }),
    );
    const alike = ["web-api", "web_api", "web.api", "Web-api", "web--api", "webapi"];
    assert.equal(new Set(alike.map(imageVariable)).size, alike.length);
  });

  it("is a name that Compose and a shell take, and begins with what a person reads", () => {
    fc.assert(
      fc.property(service, (name) => {
        const variable = imageVariable(name);
        assert.match(variable, /^SHIPLOCK_IMAGE_[A-Z0-9_]+$/);
        assert.ok(variable.startsWith(`SHIPLOCK_IMAGE_${name.toUpperCase().replaceAll(/[._-]/g, "_")}`));
      }),
    );
    assert.equal(imageVariable("web"), "SHIPLOCK_IMAGE_WEB");
  });
});
