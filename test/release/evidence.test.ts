import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Clock } from "../../src/clock.ts";
import { localRepository } from "../../src/config/local-repository.ts";
import type { EngineInfo, Image as LocalImage } from "../../src/hosts/engine.ts";
import type { NewAttachment } from "../../src/ledger/types.ts";
import { collectEvidence, type EvidenceRequest, newestReports, reportDocument } from "../../src/release/evidence.ts";
import type { Finding, Scanned, ScanTarget } from "../../src/release/scan/types.ts";
import type { Release } from "../../src/release/types.ts";
import { load, VALID } from "../config/example.ts";
import { shop } from "../fakes/shop.ts";
import { inPieces, npm, olderArchive, tarOf } from "./sbom/archives.ts";
import { finding, policy, report } from "./scan/reports.ts";

const now = new Date("2026-11-21T10:00:00.000Z");
const clock: Clock = { now: () => now, elapsed: () => 0, wait: async () => undefined };
const localId = `sha256:${"9".repeat(64)}`;
const digest = `sha256:${"a".repeat(64)}`;
const config = `sha256:${"c".repeat(64)}`;
const image = load(VALID).images["web"];
assert.ok(image !== undefined);
const web = image;

const release: Release = {
  ...shop("v1").release,
  images: {
    web: {
      ...{ name: "web", repository: "registry.example.com/shop/web", tag: "t", digest, environment: null },
      ...{ from: "registry", builtOn: null, inputs: null },
      platforms: { "linux/amd64": { manifest: digest, config } },
    },
  },
};

type World = { findings: Finding[]; imageId: string | null; kept: NewAttachment[]; scanned: ScanTarget[] };

function world(change: Partial<EvidenceRequest> = {}, start: Partial<World> = {}) {
  const state: World = { findings: [], imageId: null, kept: [], scanned: [], ...start };
  const archive = olderArchive([
    tarOf([{ path: "app/node_modules/left/package.json", content: npm("left", "1.0.0") }]),
  ]);
  const evidence = collectEvidence({
    policy: policy(),
    scanner: () => ({
      async scan(target): Promise<Scanned> {
        state.scanned.push(target);
        return { scanner: { name: "trivy", version: "1" }, imageId: state.imageId, findings: state.findings };
      },
    }),
    engine: () => ({
      info: async () => ({ containerdImageStore: false }) as EngineInfo,
      inspectImage: async () => ({ id: localId }) as LocalImage,
      saveImages: () => inPieces(archive),
    }),
    registry: { login: null, insecure: false },
    kept: async (digests) => state.kept.filter(({ subject }) => digests.includes(subject)),
    commit: { hash: "4f2a9c1".padEnd(40, "0"), time: "2026-11-20T12:00:00Z", subject: "s", ref: "main" },
    dirty: false,
    repository: async () => "https://git.example.com/shop.git",
    argumentsOf: () => ({ API_URL: "https://api.example.com" }),
    bases: async () => [{ reference: "node:24-slim", digest: null }],
    versions: { shiplock: "0" },
    invocation: "urn:uuid:0",
    clock,
    mask: (text) => text.replaceAll("hidden-value", "***"),
    signal: new AbortController().signal,
    log: () => undefined,
    ...change,
  });
  const built = {
    image: web,
    platform: "linux/amd64",
    reference: "registry.example.com/shop/web:t",
    signal: new AbortController().signal,
  };
  return { evidence, state, examine: (more: Partial<typeof built> = {}) => evidence.examine({ ...built, ...more }) };
}

const textOf = (document: { bytes: Uint8Array } | undefined) => Buffer.from(document?.bytes ?? []).toString("utf8");

describe("what is known of a release's images", () => {
  it("an image that was built is scanned before it goes anywhere, and its report, packages and provenance are kept by its digest", async () => {
    const { evidence, examine, state } = world({}, { findings: [finding({ severity: "low" })], imageId: localId });
    await examine();
    assert.deepEqual(state.scanned, [{ from: "engine", reference: "registry.example.com/shop/web:t" }]);
    const judged = await evidence.complete(release);
    assert.equal(judged.decision.answer, "pass");
    assert.deepEqual(
      judged.documents.map(({ kind, subject, made }) => [kind, subject, made]),
      [
        ["scan", digest, true],
        ["sbom", digest, true],
        ["provenance", digest, true],
      ],
    );
    assert.match(textOf(judged.documents[1]), /pkg:npm\/left@1\.0\.0/);
    assert.match(textOf(judged.documents[2]), /https:\/\/slsa\.dev\/provenance\/v1/);
    const summary = judged.release.scan;
    assert.equal(summary?.images["web"]?.low, 1);
    assert.equal(summary?.at, now.toISOString());
    assert.equal(judged.release.id, release.id, "what was found does not make it another release");
  });

  it("a finding that blocks holds the image up before it is shipped, names it, and is there for the SARIF file", async () => {
    const { evidence, examine } = world({}, { findings: [finding()] });
    await assert.rejects(examine(), {
      code: "gate/scan",
      blame: "gate",
      message: "1 finding in web blocks",
      details: ["HIGH CVE-2026-1: zlib 1.0 (fixed in 1.1), in web"],
    });
    assert.deepEqual(
      evidence.reports().map(({ findings }) => findings.length),
      [1],
    );
  });

  it("a report about another image, because a tag moved meanwhile, is none", async () => {
    await assert.rejects(world({}, { imageId: `sha256:${"8".repeat(64)}` }).examine(), {
      code: "scan/other-image",
      blame: "gate",
    });
  });

  it("an image that was built before is judged by its kept report as of today, by this environment's policy", async () => {
    const kept = reportDocument(report([finding()], { digest, at: "2026-01-01T00:00:00.000Z" }));
    const ignore = [{ id: "CVE-2026-1", package: undefined, reason: "r", until: "2026-11-20" }];
    const { evidence, state } = world({ policy: policy({ ignore }) }, { kept: [kept] });
    const judged = await evidence.complete(release);
    assert.equal(judged.decision.answer, "block");
    assert.equal(judged.verdict?.blocking[0]?.expired?.until, "2026-11-20");
    assert.deepEqual(state.scanned, []);
    assert.deepEqual(
      judged.documents.map(({ made }) => made),
      [false],
    );
    const milder = await world({ policy: policy({ block: ["critical"] }) }, { kept: [kept] }).evidence.complete(
      release,
    );
    assert.equal(milder.decision.answer, "pass");
  });

  it("an image that nobody scanned is scanned in the registry, by digest, where the environment demands it; so is one whose report cannot be read", async () => {
    const broken = { ...reportDocument(report([], { digest })), bytes: Buffer.from("{}") };
    for (const kept of [[], [broken]]) {
      const { evidence, state } = world({}, { kept, imageId: config });
      const judged = await evidence.complete(release);
      assert.deepEqual(state.scanned, [
        {
          ...{ from: "registry", reference: `registry.example.com/shop/web@${digest}`, platform: "linux/amd64" },
          ...{ login: null, insecure: false },
        },
      ]);
      assert.equal(judged.decision.answer, "pass");
      assert.ok(judged.documents.some(({ kind, made }) => kind === "scan" && made));
    }
    await assert.rejects(world({}, { imageId: localId }).evidence.complete(release), { code: "scan/other-image" });
  });

  it("an image in another registry than the project's is scanned with Docker's own login for it, not with the project's", async () => {
    const login = { address: "registry.example.com/shop", username: "ci", password: "s3cret" };
    const [own] = Object.values(release.images);
    assert.ok(own !== undefined);
    const images = { web: own, api: { ...own, name: "api", repository: "ghcr.io/acme/api" } };
    const { evidence, state } = world({ registry: { login, insecure: false } });
    await evidence.complete({ ...release, images });
    const logins = state.scanned.map((target) => (target.from === "registry" ? target.login : assert.fail()));
    assert.deepEqual(logins, [login, null]);
  });

  it("an image that lies in no registry is scanned where it was built, and elsewhere holds the release up", async () => {
    const images = { web: { ...release.images["web"], repository: localRepository("shop", "web") } };
    const carried = { ...release, images } as Release;
    const { evidence, state } = world({}, { imageId: config });
    await evidence.complete(carried);
    assert.deepEqual(state.scanned, [{ from: "engine", reference: localId }]);
    const byManifest = {
      info: async () => assert.fail(),
      saveImages: () => assert.fail(),
      // As the containerd image store has it.
      inspectImage: async (id: string) => (id === digest ? ({ id } as LocalImage) : null),
    };
    const there = world({ engine: () => byManifest }, { imageId: config });
    await there.evidence.complete(carried);
    assert.deepEqual(there.state.scanned, [{ from: "engine", reference: digest }]);
    const none = { info: async () => assert.fail(), saveImages: () => assert.fail(), inspectImage: async () => null };
    await assert.rejects(world({ engine: () => none }).evidence.complete(carried), {
      code: "scan/failed",
      blame: "gate",
    });
  });

  it("an image whose archive cannot be read makes no release without its list, and says which image it is", async () => {
    const engine = () => ({
      info: async () => assert.fail(),
      inspectImage: async () => ({ id: localId }) as LocalImage,
      saveImages: () => inPieces(Buffer.from("rubbish".repeat(200))),
    });
    const { evidence, examine } = world({ policy: "off", engine });
    await examine();
    await assert.rejects(evidence.complete(release), { code: "sbom/unreadable-image", message: /"web"/ });
  });

  it("where the scan is off nothing is scanned, and packages and provenance are kept all the same", async () => {
    for (const off of ["off", undefined] as const) {
      const { evidence, examine, state } = world({ policy: off });
      await examine();
      const judged = await evidence.complete(release);
      assert.deepEqual(state.scanned, []);
      assert.deepEqual(
        judged.documents.map(({ kind }) => kind),
        ["sbom", "provenance"],
      );
      assert.equal(judged.release.scan, null);
      assert.equal(judged.decision.answer, "pass");
    }
  });

  it("an image with sbom: false keeps no list of packages, and what the engine gives of it is not even asked for", async () => {
    const engine = () => assert.fail("the engine was asked");
    const { evidence, examine } = world({ policy: "off", engine });
    await examine({ image: { ...web, sbom: false } });
    assert.deepEqual(
      (await evidence.complete(release)).documents.map(({ kind }) => kind),
      ["provenance"],
    );
  });

  it("no document holds a secret's value", async () => {
    const { evidence, examine } = world({ argumentsOf: () => ({ TOKEN: "hidden-value" }) });
    await examine();
    const { documents } = await evidence.complete(release);
    assert.equal(documents.length, 3);
    for (const document of documents) assert.ok(!textOf(document).includes("hidden-value"), document.kind);
  });

  it("of several platforms each has its own list of packages, and one report and provenance cover them all", async () => {
    const { evidence, examine } = world({}, { findings: [finding({ severity: "low" })] });
    const [amd64, arm64] = [`sha256:${"1".repeat(64)}`, `sha256:${"2".repeat(64)}`];
    await Promise.all([examine(), examine({ platform: "linux/arm64" })]);
    const platforms = { "linux/amd64": { manifest: amd64, config }, "linux/arm64": { manifest: arm64, config } };
    const both = { ...release, images: { web: { ...release.images["web"], platforms } } } as Release;
    const judged = await evidence.complete(both);
    assert.deepEqual(
      judged.documents.map(({ kind, subject }) => [kind, subject]),
      [
        ["scan", digest],
        ["sbom", amd64],
        ["sbom", arm64],
        ["provenance", digest],
      ],
    );
    assert.deepEqual(judged.reports[0]?.platforms, ["linux/amd64", "linux/arm64"]);
    assert.equal(judged.reports[0]?.findings.length, 1);
  });

  it("of several reports of an image the newest counts", () => {
    const older = reportDocument(report([finding()], { digest, at: "2026-01-01T00:00:00.000Z" }));
    const newer = reportDocument(report([], { digest, at: "2026-02-01T00:00:00.000Z" }));
    for (const documents of [
      [older, newer],
      [newer, older],
    ])
      assert.deepEqual(
        newestReports(documents).map((each) => each.report.findings.length),
        [0],
      );
  });
});
