import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { compareDocuments, ownOf } from "../../src/cli/compare.ts";
import type { CommandContext } from "../../src/cli/context.ts";
import { createOutput } from "../../src/cli/output.ts";
import { promotionOf } from "../../src/cli/promotion.ts";
import { checkOutRelease, snapshotOf } from "../../src/cli/release-source.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/types.ts";
import { runProgram } from "../../src/process.ts";
import { makeDocument } from "../../src/release/snapshot.ts";
import type { ReleaseDocument } from "../../src/release/types.ts";
import { whyNoCompose } from "../fakes/real-compose.ts";
import { shop } from "../fakes/shop.ts";

const configuration = (secrets: string): string => `
project: shop
registry: { address: registry.test/shop }
images:
  web: { context: . }
  api: { context: ., args: { API_URL: "\${API_URL}" } }
services:
  web: { image: web, port: 3000, health: /health, route: "\${SHOP_HOST}" }
  api: { image: api, port: 8000, health: /health }
environments:
  staging:
    target: { compose: { hosts: [one] } }
    variables: { SHOP_HOST: staging.example.com, DATABASE: staging-db, API_URL: http://staging }
    secrets: [${secrets}]
  production:
    target: { compose: { hosts: [two] } }
    variables: { SHOP_HOST: shop.example.com, DATABASE: production-db, API_URL: http://production }
    secrets: [${secrets}]
`;

const composition = (workers: number): string => `
services:
  web: { build: ., environment: { DATABASE: "\${DATABASE}", WORKERS: "${workers}" } }
  api: { build: . }
  db: { image: "postgres:17", volumes: ["data:/data"], environment: { FROM: "${workers}" } }
volumes: { data: {} }
`;

describe("what a promotion would bring", async () => {
  const reason = await whyNoCompose();
  const skip = reason === null ? false : `not run: ${reason}`;
  let folder: string;
  let config: Config;
  let context: CommandContext;
  let first: string;
  let second: string;

  const git = async (...args: string[]): Promise<string> => {
    const identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"];
    const result = await runProgram("git", ["-C", folder, ...identity, ...args], { timeoutMs: 20_000 });
    assert.equal(result.exitCode, 0, result.stderr);
    return result.stdout.trim();
  };
  const committed = async (workers: number, secrets: string): Promise<string> => {
    await writeFile(join(folder, "shiplock.yml"), configuration(secrets));
    await writeFile(join(folder, "compose.yml"), composition(workers));
    await git("add", ".");
    await git("commit", "--quiet", "-m", `with ${workers} workers`);
    return git("rev-parse", "HEAD");
  };

  before(async () => {
    if (reason !== null) return;
    folder = await mkdtemp(join(tmpdir(), "promotion-"));
    await git("init", "--quiet");
    first = await committed(1, "TOKEN");
    second = await committed(4, "TOKEN, MAIL_KEY");
    config = await loadConfig({ cwd: folder, readFile: (path) => readFile(path, "utf8"), env: {} });
    const silent = { write: () => true };
    const output = createOutput({ json: true, stdout: silent, stderr: silent, environment: {} });
    const signal = new AbortController().signal;
    context = { options: {}, cwd: folder, env: process.env, output, signal, commandLine: "" };
  });
  after(async () => {
    if (reason === null) await rm(folder, { recursive: true });
  });

  /** The document of a commit that was deployed to an environment. */
  async function deployed(commit: string, environment: string, version: string): Promise<ReleaseDocument> {
    const source = await checkOutRelease(context, config, environment, commit, false);
    const snapshot = await snapshotOf(context, source).finally(() => source.remove());
    const { web, api } = shop(version).release.images;
    assert.ok(web !== undefined && api !== undefined);
    const images = { web, api: { ...api, environment } };
    return makeDocument({ ...shop(version).release, commit, environment, images }, snapshot);
  }

  it("is told without the values that are each environment's own, and those are told apart", { skip }, async () => {
    const staging = await deployed(second, "staging", "v2");
    const production = await deployed(first, "production", "v1");
    const brought = await promotionOf(context, config, staging, "production", production);
    const { sections } = await compareDocuments(production, brought, folder);
    const lines = Object.fromEntries(sections.map((section) => [section.heading, section.lines]));
    assert.deepEqual(lines["configuration"], ['~ compose.web.environment.WORKERS: "1" → "4"']);
    assert.deepEqual(lines["secrets (by name)"], ["+ MAIL_KEY"]);
    assert.match(lines["commits"]?.join() ?? "", /^\+ .*with 4 workers$/);
    assert.match(lines["images"]?.[0] ?? "", new RegExp(`^api: .* → built for production from ${second.slice(0, 7)}$`));
    assert.match(lines["images"]?.[1] ?? "", /^web: production-main-v1 .* → production-main-v2 sha256:/);
    assert.deepEqual(ownOf(staging, brought), [
      'compose.db.environment.FROM: "1"',
      'compose.web.environment.DATABASE: "production-db"',
      'services.web.routes.0.host: "shop.example.com"',
    ]);
  });

  it("is nothing where the other environment runs the same commit, whatever its own values are", { skip }, async () => {
    const staging = await deployed(second, "staging", "v2");
    const production = await deployed(second, "production", "v2");
    const brought = await promotionOf(context, config, staging, "production", production);
    assert.deepEqual(await compareDocuments(production, brought, folder), { same: true, sections: [] });
  });
});
