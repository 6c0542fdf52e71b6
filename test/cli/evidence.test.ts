import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import type { CommandContext } from "../../src/cli/context.ts";
import { demandScan, keepDocuments, scannerOf, withEvidence } from "../../src/cli/evidence.ts";
import { createOutput } from "../../src/cli/output.ts";
import { ShiplockError } from "../../src/errors.ts";
import { reportDocument } from "../../src/release/evidence.ts";
import type { ReleaseImage } from "../../src/release/types.ts";
import { load, VALID } from "../config/example.ts";
import { shop } from "../fakes/shop.ts";
import { policy, report } from "../release/scan/reports.ts";
import { standInScanner } from "../release/scan/scanners.ts";

const digest = `sha256:${"a".repeat(64)}`;
const web: ReleaseImage = {
  ...{ name: "web", repository: "registry.example.com/shop/web", tag: "t", digest, environment: null },
  ...{ from: "registry", builtOn: null, inputs: null },
  platforms: { "linux/amd64": { manifest: digest, config: digest } },
};
const release = { ...shop("v1").release, project: "shop", images: { web } };

describe("what a command knows of a release's images", () => {
  let folder = "";
  let said = "";
  let context: CommandContext;
  before(async () => {
    // No repository of git: a machine that only deploys what is known needs none.
    folder = await mkdtemp(join(tmpdir(), "shiplock-evidence-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  beforeEach(() => {
    said = "";
    const stream = { write: (text: string) => (said += text) };
    const output = createOutput({ json: undefined, stdout: stream, stderr: stream, environment: {} });
    const env = { PATH: "/nowhere", SHIPLOCK_LEDGER: join(folder, "ledger.db") };
    const signal = new AbortController().signal;
    context = { options: {}, cwd: folder, env, output, signal, commandLine: "" };
  });

  const configuration = (more = "") => ({ ...load(`${VALID}scan: { with: trivy }\n${more}`), folder });
  const staging = (config: ReturnType<typeof configuration>) => {
    const environment = config.environments["staging"];
    assert.ok(environment !== undefined);
    return environment;
  };

  it("a release with a report that is kept is judged where there is neither a scanner nor a repository", async () => {
    const config = configuration();
    await keepDocuments(context, release, [reportDocument(report([], { digest }))]);
    await demandScan(context, config, staging(config), release);
    assert.match(said, /scan nothing that blocks was found/);
  });

  it("a SARIF file that cannot be written does not take the place of what failed", async () => {
    const config = configuration();
    const { commit: hash, commitTime: time, subject, ref, dirty } = release;
    const source = { config, environment: staging(config), commit: { hash, time, subject, ref }, dirty, folder };
    const failed = withEvidence(context, config, source, { sarif: "not/there/scan.sarif" }, async () => {
      throw new ShiplockError({ code: "build/failed", message: "the image could not be built" });
    });
    await assert.rejects(failed, { code: "build/failed" });
    assert.match(said, /warning: --sarif: /);
  });

  it("a scanner sees no secret that the project declares, whichever environment, image or check it belongs to", async () => {
    const names = "JSON.stringify(Object.keys(process.env))";
    const scanner = await standInScanner(
      "trivy",
      `import { writeFileSync } from "node:fs"; writeFileSync(folder + "/names", ${names}); process.exit(1);`,
    );
    try {
      const config = configuration("checks: { lint: { process: true, run: 'true', secrets: [CHECK_TOKEN] } }\n");
      const env = { ...scanner.env, CHECK_TOKEN: "s3cret-value", TRIVY_CACHE_DIR: "/cache" };
      const target = { from: "engine", reference: "web:t" } as const;
      const signal = AbortSignal.timeout(20_000);
      const scan = scannerOf({ ...context, env }, config, policy()).scan(target, { timeoutMs: 20_000, signal });
      await assert.rejects(scan, { code: "scan/failed" });
      const seen = JSON.parse(await readFile(join(scanner.folder, "names"), "utf8")) as string[];
      assert.ok(seen.includes("TRIVY_CACHE_DIR"));
      assert.ok(!seen.includes("CHECK_TOKEN"));
    } finally {
      await scanner.remove();
    }
  });
});
