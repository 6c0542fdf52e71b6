import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { cycloneDx, purlOf } from "../../../src/release/sbom/cyclonedx.ts";
import type { ImageContents } from "../../../src/release/sbom/types.ts";

const subject = {
  repository: "registry.example.com:5000/shop/web",
  digest: `sha256:${"a".repeat(64)}`,
  platform: "linux/amd64",
  time: "2026-11-20T12:00:00+02:00",
  commit: "4f2a9c1".padEnd(40, "0"),
};
const debian = { id: "debian", version: "12", name: "Debian GNU/Linux 12" };
const found = (kind: "deb" | "apk" | "npm" | "pypi", name: string, version: string, architecture = "") => ({
  ...{ kind, name, version, architecture, licence: "MIT" },
  paths: ["a/b"],
});
const contents: ImageContents = {
  distribution: debian,
  packages: [found("deb", "libstdc++6", "12.2.0-14", "amd64"), found("npm", "@scope/x", "1.0.0+build")],
  unread: 0,
};

type Document = {
  serialNumber: string;
  specVersion: string;
  metadata: { timestamp: string; component: { purl: string; properties: { name: string; value: string }[] } };
  components: { "bom-ref": string; type: string; group?: string; name: string; version: string; purl?: string }[];
};
const read = (bytes: Buffer) => JSON.parse(bytes.toString("utf8")) as Document;

describe("the list of packages", () => {
  it("names each by the address that scanners know it by", () => {
    assert.equal(
      purlOf(found("deb", "libstdc++6", "1:12.2", "amd64"), debian),
      "pkg:deb/debian/libstdc%2B%2B6@1:12.2?arch=amd64&distro=debian-12",
    );
    assert.equal(purlOf(found("apk", "musl", "1.2-r0", "x86_64"), null), "pkg:apk/alpine/musl@1.2-r0?arch=x86_64");
    assert.equal(purlOf(found("npm", "@scope/x", "1.0.0"), debian), "pkg:npm/%40scope/x@1.0.0");
    assert.equal(purlOf(found("pypi", "Flask_SQLAlchemy", "3.1"), debian), "pkg:pypi/flask-sqlalchemy@3.1");
  });

  it("is a CycloneDX 1.6 document with a serial number that follows from the image, and the commit's time", () => {
    const document = read(cycloneDx(subject, contents));
    assert.match(
      document.serialNumber,
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    assert.equal(document.specVersion, "1.6");
    assert.equal(document.metadata.timestamp, "2026-11-20T10:00:00.000Z");
    assert.equal(
      document.metadata.component.purl,
      `pkg:oci/web@sha256:${"a".repeat(64)}?repository_url=registry.example.com:5000%2Fshop%2Fweb`,
    );
    assert.deepEqual(
      document.components.map(({ type, group, name }) => [type, group, name]),
      [
        ["operating-system", undefined, "debian"],
        ["library", undefined, "libstdc++6"],
        ["library", "@scope", "x"],
      ],
    );
    assert.notEqual(
      read(cycloneDx({ ...subject, digest: `sha256:${"b".repeat(64)}` }, contents)).serialNumber,
      document.serialNumber,
    );
  });

  it("says when it is not whole", () => {
    const told = (unread: number) =>
      read(cycloneDx(subject, { ...contents, unread })).metadata.component.properties.map(({ name }) => name);
    assert.ok(!told(0).includes("shiplock:unreadFiles"));
    assert.ok(told(2).includes("shiplock:unreadFiles"));
  });

  it("of the same packages is the same to the byte, whatever order they were found in, and no reference stands there twice", () => {
    const one = fc.record({
      kind: fc.constantFrom("deb" as const, "npm" as const, "pypi" as const),
      name: fc.constantFrom("a", "A", "a_b", "a-b", "@s/a"),
      version: fc.constantFrom("1", "2"),
    });
    fc.assert(
      fc.property(fc.uniqueArray(one, { selector: (each) => JSON.stringify(each), maxLength: 12 }), (all) => {
        const packages = all.map(({ kind, name, version }) => found(kind, name, version));
        const bytes = cycloneDx(subject, { ...contents, packages });
        const refs = read(bytes).components.map((component) => component["bom-ref"]);
        assert.equal(new Set(refs).size, refs.length);
        const backwards = read(cycloneDx(subject, { ...contents, packages: packages.toReversed() }));
        assert.deepEqual(
          backwards.components.map((each) => each["bom-ref"]),
          refs,
        );
      }),
    );
  });
});
