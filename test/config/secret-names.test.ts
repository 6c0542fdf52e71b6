import assert from "node:assert/strict";
import { it } from "node:test";
import { declaredSecrets } from "../../src/config/secret-names.ts";
import { load, VALID } from "./example.ts";

it("a secret that only a hook names is a declared one, and so is masked from the start and looked for in commits; what is handed on to it as a place is none", () => {
  const written = `${VALID}hooks: { before: [{ run: [a], secrets: [E2E_TOKEN, DOCKER_HOST] }] }\n`;
  const env = { E2E_TOKEN: "t0ken-value", DOCKER_HOST: "unix:///var/run/docker.sock" };
  assert.deepEqual(declaredSecrets(load(written), env), { E2E_TOKEN: "t0ken-value" });
});

it("GitHub's token is a declared secret where it is named", () => {
  const written = `${VALID}github: { token: SHOP_GITHUB }\n`;
  assert.deepEqual(declaredSecrets(load(written), { SHOP_GITHUB: "t0ken-value" }), { SHOP_GITHUB: "t0ken-value" });
});
