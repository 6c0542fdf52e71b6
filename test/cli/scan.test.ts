import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { rememberRelease } from "../../src/cli/record-history.ts";
import { stateRules } from "../../src/deploy/states.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { IN_TOTO_TYPE } from "../../src/release/provenance/statement.ts";
import { CYCLONEDX_TYPE } from "../../src/release/sbom/types.ts";
import type { Release } from "../../src/release/types.ts";
import { VALID } from "../config/example.ts";
import { shop } from "../fakes/shop.ts";
import { reportText } from "../release/scan/reports.ts";
import { type StandIn, standInScanner } from "../release/scan/scanners.ts";
import { runMain } from "./run-main.ts";

const digest = `sha256:${"a".repeat(64)}`;
const release: Release = {
  ...shop("v1").release,
  project: "shop",
  images: {
    web: {
      ...{ name: "web", repository: "registry.example.com/shop/web", tag: "t", digest, environment: null },
      ...{ from: "registry", builtOn: null, inputs: null },
      // What the stand-in's report says that it looked at.
      platforms: { "linux/amd64": { manifest: digest, config: `sha256:${"1".repeat(64)}` } },
    },
  },
};

describe("shiplock scan and shiplock sbom", () => {
  let folder = "";
  let trivy: StandIn;
  const ledgerFile = (): string => join(folder, "ledger.db");

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "shiplock-scan-command-"));
    trivy = await standInScanner(
      "trivy",
      `process.stdout.write(${JSON.stringify(reportText("trivy-2-os-and-language"))});`,
    );
    const ledger = await openLedger({ path: ledgerFile(), states: stateRules });
    await rememberRelease(ledger, release);
    const about = { image: "web", subject: digest, at: 1 };
    const sbom = {
      kind: "sbom",
      mediaType: CYCLONEDX_TYPE,
      bytes: Buffer.from('{"bomFormat":"CycloneDX"}'),
      ...about,
    } as const;
    await ledger.attachToRelease("shop", release.id, sbom);
    const provenance = { kind: "provenance", mediaType: IN_TOTO_TYPE, bytes: Buffer.from("{}"), ...about } as const;
    await ledger.attachToRelease("shop", release.id, provenance);
    await ledger.close();
  });
  after(async () => {
    await trivy.remove();
    await rm(folder, { recursive: true, force: true });
  });

  async function shiplock(scan: string, ...argv: string[]) {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "shiplock.yml"), `${VALID}${scan}\n`);
    return runMain({ argv, cwd: folder, env: { ...trivy.env, SHIPLOCK_LEDGER: ledgerFile() } });
  }
  const named = ["--release", release.id.slice(0, 8)];

  it("judges a release again as of today, shows what blocks and why, and ends with 3", async () => {
    const said = await shiplock("scan: { with: trivy }", "scan", "staging", ...named, "--sarif", "scan.sarif");
    assert.equal(said.exit, 3, said.stderr);
    assert.match(said.stdout, /scan 2 findings in web block; known: 1 critical, 1 high, 1 other \(trivy, /);
    const [first, second] = said.stdout.split("\n").filter((line) => /CVE-/.test(line));
    assert.match(first ?? "", /CRITICAL CVE-2026-2002: left-hand 4\.1\.0 \(fixed in 4\.1\.1, 5\.0\.2\), in web/);
    assert.match(second ?? "", /HIGH CVE-2026-1001: libexample1 1\.2-3 \(fixed in 1\.2-4\), in web/);
    assert.match(said.stdout, /what to do: update what has a fix \(2 of 2\)/);
    const sarif = JSON.parse(await readFile(join(folder, "scan.sarif"), "utf8")) as { runs: { results: unknown[] }[] };
    assert.equal(sarif.runs[0]?.results.length, 3);
  });

  it("lets through what is excepted, names the reason and the exceptions that can go, and keeps the report for a judgement without a scanner", async () => {
    const ignore = ["CVE-2026-2002", "CVE-2026-1001", "CVE-1"].map(
      (id) => `{ id: ${id}, reason: known, until: 2999-01-01 }`,
    );
    const scan = `scan: { with: trivy, ignore: [${ignore.join(", ")}] }`;
    const said = await shiplock(scan, "scan", "staging", ...named);
    assert.equal(said.exit, 0, said.stdout + said.stderr);
    assert.match(said.stdout, /CRITICAL CVE-2026-2002.*: let through until 2999-01-01, known/);
    assert.match(said.stdout, /scan\.ignore CVE-1 fits nothing that was found/);

    await rm(join(trivy.folder, "trivy"));
    const kept = await shiplock("scan: { with: trivy }", "scan", "staging", ...named, "--kept", "--json");
    assert.equal(kept.exit, 3, kept.stderr);
    const { decision, scan: summary } = JSON.parse(kept.stdout) as {
      decision: { answer: string };
      scan: { images: object };
    };
    assert.equal(decision.answer, "block");
    assert.deepEqual(Object.keys(summary.images), ["web"]);
    const again = await shiplock("scan: { with: trivy }", "scan", "staging", ...named);
    assert.equal(again.exit, 3);
    assert.match(again.stderr, /scan\/scanner-missing/);
  });

  it("says what to do where there is no scan, and for a release that nobody knows", async () => {
    assert.match((await shiplock("", "scan", "staging", ...named)).stderr, /scan\/off.*[^]*scan: \{ with: trivy \}/);
    const unknown = await shiplock("scan: { with: trivy }", "scan", "staging", "--release", "nothing");
    assert.equal(unknown.exit, 2);
    assert.match(unknown.stderr, /release\/unknown/);
  });

  it("sbom writes what is kept into files", async () => {
    const said = await shiplock("", "sbom", "staging", ...named, "--out", "lists", "--json");
    assert.equal(said.exit, 0, said.stdout);
    const { written } = JSON.parse(said.stdout) as { written: { kind: string; subject: string }[] };
    assert.deepEqual(
      written.map(({ kind, subject }) => [kind, subject]),
      [
        ["sbom", digest],
        ["provenance", digest],
      ],
    );
    assert.equal(await readFile(join(folder, "lists", "web.cdx.json"), "utf8"), '{"bomFormat":"CycloneDX"}');
    assert.equal(await readFile(join(folder, "lists", "web.provenance.json"), "utf8"), "{}");
  });
});
