import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as z from "zod";
import { load, VALID } from "../../config/example.ts";
import { basesIn, type BuildFacts, provenanceOf, withoutLogin } from "../../../src/release/provenance/statement.ts";
import { createMasker } from "../../../src/secrets/mask.ts";

const image = load(VALID).images["web"];
assert.ok(image !== undefined);

const facts: BuildFacts = {
  image: { ...image, secrets: ["NPM_TOKEN"], platforms: ["linux/amd64", "linux/arm64"] },
  args: { API_URL: "https://api.example.com" },
  environment: "staging",
  commit: { hash: "4f2a9c1".padEnd(40, "0"), ref: "main" },
  dirty: false,
  repository: "https://git.example.com/shop.git",
  bases: [
    { reference: "node:24-slim", digest: `sha256:${"b".repeat(64)}` },
    { reference: "local/base", digest: null },
  ],
  digest: `sha256:${"a".repeat(64)}`,
  platforms: { "linux/amd64": `sha256:${"1".repeat(64)}`, "linux/arm64": `sha256:${"2".repeat(64)}` },
  versions: { shiplock: "0.1.0" },
  invocation: "0c6f7e4e-0000-4000-8000-000000000001",
  startedOn: "2026-11-20T10:00:00+02:00",
  finishedOn: "2026-11-20T08:01:00Z",
};

/** The shape that in-toto and SLSA publish: what is required is there, digests are in hexadecimal, addresses are addresses. */
const digestSet = z.record(z.string(), z.string().regex(/^[0-9a-f]{40,}$/));
const uri = z.string().regex(/^[a-z][a-z0-9+.-]*:\S+$/i);
const dependency = z
  .strictObject({ name: z.string().optional(), uri: uri.optional(), digest: digestSet.optional() })
  .refine((each) => each.uri !== undefined || each.digest !== undefined);
const statement = z.strictObject({
  _type: z.literal("https://in-toto.io/Statement/v1"),
  subject: z.array(z.strictObject({ name: z.string().min(1), digest: digestSet })).min(1),
  predicateType: z.literal("https://slsa.dev/provenance/v1"),
  predicate: z.strictObject({
    buildDefinition: z.strictObject({
      buildType: uri,
      externalParameters: z.record(z.string(), z.unknown()),
      resolvedDependencies: z.array(dependency),
    }),
    runDetails: z.strictObject({
      builder: z.strictObject({ id: uri, version: z.record(z.string(), z.string()) }),
      metadata: z.strictObject({ invocationId: z.string(), startedOn: z.iso.datetime(), finishedOn: z.iso.datetime() }),
    }),
  }),
});

const read = (change: Partial<BuildFacts> = {}, mask = (text: string) => text) =>
  statement.parse(JSON.parse(provenanceOf({ ...facts, ...change }, mask).toString("utf8")));

describe("how an image came to be", () => {
  it("is a statement of in-toto with SLSA's predicate: commit, base images, arguments, times", () => {
    const { subject, predicate } = read();
    assert.deepEqual(
      subject.map(({ digest }) => digest["sha256"]?.[0]),
      ["a", "1", "2"],
    );
    const { externalParameters, resolvedDependencies } = predicate.buildDefinition;
    assert.deepEqual(externalParameters["arguments"], { API_URL: "https://api.example.com" });
    assert.deepEqual(externalParameters["secrets"], ["NPM_TOKEN"]);
    assert.deepEqual(resolvedDependencies, [
      { name: "source", uri: "git+https://git.example.com/shop.git@main", digest: { gitCommit: facts.commit.hash } },
      { name: "base image", uri: "docker:node:24-slim", digest: { sha256: "b".repeat(64) } },
      { name: "base image", uri: "docker:local/base" },
    ]);
    assert.equal(predicate.runDetails.metadata.startedOn, "2026-11-20T08:00:00.000Z");
  });

  it("of one platform has one subject, without a remote has no address, and of a working tree says so", () => {
    const one = { "linux/amd64": facts.digest };
    const { subject, predicate } = read({ platforms: one, repository: null, dirty: true });
    assert.equal(subject.length, 1);
    const [source] = predicate.buildDefinition.resolvedDependencies;
    assert.deepEqual(source, {
      name: "source, with changes of a working tree",
      digest: { gitCommit: facts.commit.hash },
    });
    assert.deepEqual(predicate.buildDefinition.externalParameters["source"], {
      repository: "",
      ref: "main",
      workingTree: true,
    });
  });

  it("never holds a secret, should an argument have one after all", () => {
    const secret = 'pa"ss\\word-of-nobody';
    const bytes = provenanceOf({ ...facts, args: { TOKEN: `x${secret}` } }, createMasker([secret]));
    assert.ok(!bytes.toString("utf8").includes("word-of-nobody"));
    statement.parse(JSON.parse(bytes.toString("utf8")));
  });
});

describe("the address of a repository", () => {
  it("is without user, password and token", () => {
    for (const [remote, shown] of [
      ["https://ada:t0ken@git.example.com/shop.git", "https://git.example.com/shop.git"],
      ["https://x-access-token:ghs_abc@github.com/a/b", "https://github.com/a/b"],
      ["https://ghp_abc@github.com/a/b?token=1#x", "https://github.com/a/b"],
      ["ssh://git:pw@git.example.com:2222/shop.git", "ssh://git@git.example.com:2222/shop.git"],
      ["git@github.com:a/b.git", "ssh://git@github.com/a/b.git"],
      ["t0ken@github.com:a/b.git", "ssh://git@github.com/a/b.git"],
      ["/srv/git/shop.git", null],
      ["file:///srv/git/shop.git", null],
      ["../shop", null],
      ["", null],
    ] as const)
      assert.equal(withoutLogin(remote), shown, remote);
  });
});

describe("the images that a Dockerfile starts from", () => {
  it("are those of its stages, without stages of its own and what an argument chooses", () => {
    const dockerfile = `# FROM nothing
ARG VERSION=1
FROM --platform=$BUILDPLATFORM node:24-slim AS deps
FROM deps AS build
from python:3.13-slim \\
  as run
FROM scratch
FROM thing:\${VERSION}
COPY --from=busybox /bin/sh /
`;
    assert.deepEqual(basesIn(dockerfile), ["node:24-slim", "python:3.13-slim"]);
  });
});
