import assert from "node:assert/strict";
import { it } from "node:test";
import { organizationFile } from "../../src/config/organization.ts";
import { withSecretSourcesOf } from "../../src/config/secret-sources.ts";
import { parseConfig } from "../../src/config/load.ts";

it("the organization's file is the one that the command's environment names, or else the one of the configuration, relative to it", () => {
  const place = {
    file: "/work/shop/shiplock.yml",
    written: "../organization.yml",
    variable: undefined,
    cwd: "/work/shop/web",
  };
  assert.equal(organizationFile(place), "/work/organization.yml");
  assert.equal(organizationFile({ ...place, variable: "own.yml" }), "/work/shop/web/own.yml");
  assert.equal(organizationFile({ ...place, variable: "" }), "/work/organization.yml");
  assert.equal(organizationFile({ ...place, written: undefined }), null);
});

it("of a commit that is checked out elsewhere, it is the commit's own where it lies in the repository, and this machine's where it does not", () => {
  const checkout = { root: "/tmp/source", folder: "/work/shop/app" };
  const place = { file: "/tmp/source/app/shiplock.yml", variable: undefined, cwd: "/tmp/source", checkout };
  assert.equal(organizationFile({ ...place, written: "../shared/org.yml" }), "/tmp/source/shared/org.yml");
  assert.equal(organizationFile({ ...place, written: "../../organization.yml" }), "/work/organization.yml");
});

it("a commit says which secrets there are, and the working tree where they are looked for", () => {
  const config = (folder: string, names: string, file: string) =>
    parseConfig(
      `
project: shop
images: { web: {} }
services: { web: { image: web, port: 80, health: / } }
environments:
  production:
    target: { compose: { hosts: [box] } }
    secrets: { names: [${names}], providers: [{ age: ${file} }] }
`,
      `${folder}/shiplock.yml`,
    );
  const taken = withSecretSourcesOf(
    config("/tmp/source", "OLD, KEPT", "old.age"),
    config("/work/shop", "KEPT", "new.age"),
  );
  const { names, sources } = taken.environments["production"]?.secrets ?? { names: [], sources: [] };
  assert.deepEqual(names, ["OLD", "KEPT"]);
  assert.deepEqual(
    sources.map(({ provider }) => provider),
    [{ kind: "age", file: "/work/shop/new.age", written: "new.age" }],
  );
});
