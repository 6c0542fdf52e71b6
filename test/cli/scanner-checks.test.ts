import assert from "node:assert/strict";
import { test } from "node:test";
import { scannerChecks } from "../../src/cli/scanner-checks.ts";
import type { ScanPolicy } from "../../src/config/types.ts";
import { standInScanner } from "../release/scan/scanners.ts";

const policy: ScanPolicy = { with: "trivy", block: ["critical"], onlyFixed: false, ignore: [], timeoutMs: 1000 };

test("doctor looks for the scanner that an environment demands, once, and for none where nothing is scanned", async (t) => {
  const scanner = await standInScanner("trivy", 'console.log("Version: 0.65.0");');
  t.after(() => scanner.remove());
  assert.deepEqual(scannerChecks([{ scan: "off" }, { scan: undefined }], scanner.env), []);
  const [check, ...others] = scannerChecks([{ scan: policy }, { scan: "off" }, { scan: policy }], scanner.env);
  assert.deepEqual([check?.name, others], ["scanner trivy", []]);
  assert.equal(await check?.look(), "Version: 0.65.0");
});

test("doctor says how to come by a scanner that is missing or does not run", async (t) => {
  const broken = await standInScanner("trivy", 'console.error("no database"); process.exit(2);');
  t.after(() => broken.remove());
  const remedy = /install trivy on this machine, or set `scan: off`/;
  const look = async (env: Record<string, string | undefined>) => scannerChecks([{ scan: policy }], env)[0]?.look();
  await assert.rejects(look({ PATH: "/nowhere" }), { code: "doctor/scanner", message: /trivy/, remedy });
  await assert.rejects(look(broken.env), { code: "doctor/scanner", message: /no database/, remedy });
});
