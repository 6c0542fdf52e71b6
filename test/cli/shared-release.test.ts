import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isSharedRelease } from "../../src/cli/shared-release.ts";
import type { Release } from "../../src/release/types.ts";
import { shop } from "../fakes/shop.ts";

const { release } = shop("v1");
const repositories = Object.fromEntries(
  Object.values(release.images).map(({ name, repository }) => [name, repository]),
);

function taken(payload: unknown, about: Partial<Release> = {}): boolean {
  const { id, project, commit } = { ...release, ...about };
  return isSharedRelease({ id, project, commit, createdAt: 1, payload }, repositories);
}

function withImage(change: object): unknown {
  const { web } = release.images;
  return { ...release, images: { ...release.images, web: { ...web, ...change } } };
}

describe("a release that GitHub has", () => {
  test("is taken for one when it is whole and its images are where this project has them", () => {
    assert.ok(taken(release));
    assert.ok(taken({ ...release, someday: "more" }));
  });

  test("is none with an image from anywhere else, by whomever it was written", () => {
    assert.ok(!taken(withImage({ repository: "evil.example/shop/web" })));
    assert.ok(!taken(withImage({ name: "api" })));
    assert.ok(!taken({ ...release, images: { ...release.images, more: release.images["web"] } }));
    assert.ok(!taken(withImage({ digest: "latest" })));
  });

  test("is none that says something else than what it was recorded for", () => {
    assert.ok(!taken(release, { id: "r-other" }));
    assert.ok(!taken(release, { commit: "0".repeat(40) }));
    assert.ok(!taken(release, { project: "blog" }));
  });

  test("is none where something is missing that others rely on", () => {
    for (const key of Object.keys(release).filter((each) => each !== "scan")) {
      const { [key as keyof Release]: _, ...rest } = release;
      assert.ok(!taken(rest), key);
    }
    for (const payload of [null, 7, "release", [], {}]) assert.ok(!taken(payload));
    assert.ok(!taken(withImage({ platforms: { "linux/amd64": {} } })));
  });
});
