import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeCaddy, testedCaddy } from "../../src/proxy/caddy/version.ts";

test("a Caddy is told by its version: tested, newer, too old, or none that is known", () => {
  assert.deepEqual(judgeCaddy(`${testedCaddy}\n`), { ok: true, said: "Caddy 2.6.2, the version that is tested" });
  assert.deepEqual(judgeCaddy("v2.6.4 h1:2hwYqiRwk1tf3VruhMpLcYTg+11fCdr8S3jhNAdnPy8="), {
    ok: true,
    said: "Caddy 2.6.4; tested is 2.6.2, and nothing newer is relied on",
  });
  assert.deepEqual(judgeCaddy("v2.5.1"), { ok: false, said: "Caddy 2.5.1, which is older than 2.6" });
  assert.equal(judgeCaddy("not caddy at all").ok, false);
});
