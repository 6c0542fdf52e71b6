import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { sameRelease } from "../../src/environments/same-release.ts";
import type { Release, ReleaseImage } from "../../src/release/types.ts";
import { shop } from "../fakes/shop.ts";

const release = shop("v1").release;

/** The release under another id, with changes of its image `web`. */
function other(changes: Partial<ReleaseImage>, rest: Partial<Release> = {}): Release {
  const { web } = release.images;
  assert.ok(web !== undefined);
  return { ...release, id: "r-other", images: { ...release.images, web: { ...web, ...changes } }, ...rest };
}

describe("the same release in two environments", () => {
  it("has the same digests, or is one release", () => {
    assert.ok(sameRelease(release, release));
    assert.ok(sameRelease(release, other({})));
    assert.ok(!sameRelease(release, other({ digest: "sha256:other" })));
    assert.ok(!sameRelease(release, other({}, { images: {} })));
  });

  it("has the same commit where each environment's values are baked in", () => {
    const own = (environment: string): Release => other({ digest: `sha256:${environment}`, environment });
    assert.ok(sameRelease(own("staging"), { ...own("production"), id: "r-sibling" }));
    assert.ok(!sameRelease(own("staging"), { ...own("production"), id: "r-sibling", commit: "f".repeat(40) }));
    assert.ok(!sameRelease(release, own("production")));
  });

  it("is never one of a working tree, whose commit says nothing about it", () => {
    assert.ok(!sameRelease(release, other({}, { dirty: true })));
    assert.ok(!sameRelease({ ...release, dirty: true }, other({})));
  });
});
