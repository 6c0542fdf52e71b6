import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { edgeTls } from "../../src/cli/edge-tls.ts";
import type { ComposeTarget } from "../../src/config/types.ts";

const proxy: ComposeTarget["proxy"] = { http: 80, https: 8443, tls: "auto", acme: undefined, image: "caddy:2" };
const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";

test("an edge gets its certificates from where the environment says, the trusted root as text", () => {
  const folder = mkdtempSync(join(tmpdir(), "edge-tls-"));
  try {
    writeFileSync(join(folder, "root.pem"), pem);
    writeFileSync(join(folder, "readme"), "nothing of the kind");
    assert.equal(edgeTls({ ...proxy, tls: "off" }, folder), "off");
    assert.deepEqual(edgeTls({ ...proxy, tls: "internal" }, folder), { issuer: "internal", port: 8443 });
    const acme = { directory: "https://ca.test/d", email: undefined, trustedRoot: "root.pem" };
    assert.deepEqual(edgeTls({ ...proxy, acme }, folder), {
      ...{ issuer: "acme", port: 8443, directory: "https://ca.test/d", email: null },
      trustedRoot: pem,
    });
    for (const trustedRoot of ["readme", "missing.pem"])
      assert.throws(() => edgeTls({ ...proxy, acme: { ...acme, trustedRoot } }, folder), {
        code: "config/trusted-root",
        where: join(folder, trustedRoot),
      });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
