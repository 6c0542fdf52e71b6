import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { environmentFor } from "../../src/cli/commands/tag.ts";
import { type CommandContext, openHistory } from "../../src/cli/context.ts";
import { createOutput } from "../../src/cli/output.ts";
import { resolveVersion } from "../../src/cli/version-lookup.ts";
import { localRepository } from "../../src/config/local-repository.ts";
import type { Config } from "../../src/config/types.ts";
import { chooseRollback } from "../../src/environments/record/rollback-choice.ts";
import { registryError } from "../../src/release/registry/errors.ts";
import type { Registry } from "../../src/release/registry/types.ts";
import type { TargetSession } from "../../src/targets/types.ts";
import { history } from "../environments/states.ts";
import { shop } from "../fakes/shop.ts";

const images = ["web", "api", "worker"];
const config = {
  project: "shop",
  images: Object.fromEntries(images.map((name) => [name, { name, repository: `registry.test/shop/${name}` }])),
  environments: { production: { tagPrefix: "production" }, staging: { tagPrefix: "staging" } },
} as unknown as Config;
const versions = ["v1", "v2", "v3"];
const documents = new Map(versions.map((version) => [shop(version).name, JSON.stringify(shop(version))]));
const session = {
  record: { readRelease: async (name: string) => documents.get(name) ?? null },
} as unknown as TargetSession;
const state = history(...versions);

/** A registry in which a name stands for a release, or for one image of it. */
function registryWith(tags: Readonly<Record<string, string>>, only: readonly string[] = images) {
  const asked: string[] = [];
  const registry = {
    head: async ({ repository, tag }: { repository: string; tag: string }) => {
      asked.push(tag);
      const name = repository.replace("shop/", "");
      const image = tags[tag] !== undefined && only.includes(name) ? shop(tags[tag]).release.images[name] : undefined;
      return image === undefined ? null : { digest: image.digest, mediaType: "" };
    },
  } as unknown as Registry;
  return { registry, asked };
}

async function machine(context: TestContext): Promise<{ context: CommandContext; said: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), "shiplock-versions-"));
  context.after(() => rm(folder, { recursive: true }));
  const said: string[] = [];
  const stream = { write: (text: string) => void said.push(text) };
  const output = createOutput({ json: undefined, stdout: stream, stderr: stream, environment: {} });
  const env = { SHIPLOCK_LEDGER: join(folder, "ledger.db") };
  const signal = new AbortController().signal;
  return { context: { options: {}, cwd: folder, env, output, signal, commandLine: "shiplock" }, said };
}

describe("what --to names", () => {
  it("a version by its digests in the registry, on a machine that never heard of it", async (t) => {
    const { context } = await machine(t);
    const { registry } = registryWith({ "v1.0.0": "v1" });
    const found = await resolveVersion(context, config, "v1.0.0", state, session, registry);
    assert.equal(chooseRollback(state, found).release, "r-v1");
  });

  it("what the record knows by itself, without asking the registry", async (t) => {
    const { context } = await machine(t);
    const { registry, asked } = registryWith({});
    for (const known of ["r-v1", "production-main-v2", shop("v1").release.commit])
      assert.equal(await resolveVersion(context, config, known, state, session, registry), known);
    assert.deepEqual(asked, []);
  });

  it("no tag of another environment, whatever it stands for in the registry", async (t) => {
    const { context } = await machine(t);
    const { registry, asked } = registryWith({ "staging-main-1": "v1" });
    assert.equal(await resolveVersion(context, config, "staging-main-1", state, session, registry), "staging-main-1");
    assert.deepEqual(asked, []);
    assert.throws(() => chooseRollback(state, "staging-main-1"), { code: "rollback/unknown" });
  });

  it("nothing that a registry is asked about where the project has none", async (t) => {
    const { context, said } = await machine(t);
    const { registry, asked } = registryWith({});
    const withoutRegistry = {
      ...config,
      images: Object.fromEntries(images.map((name) => [name, { name, repository: localRepository("shop", name) }])),
    } as unknown as Config;
    assert.equal(await resolveVersion(context, withoutRegistry, "v1.0.0", state, session, registry), "v1.0.0");
    assert.deepEqual([asked, said], [[], []]);
    assert.throws(() => chooseRollback(state, "v1.0.0"), {
      code: "rollback/unknown",
      blame: "usage",
      remedy: /choose one of: r-v2, r-v1;/,
    });
    const nothingElse = { ...state, healthy: [] };
    assert.throws(() => chooseRollback(nothingElse, "v1.0.0"), { remedy: /^there is none to go back to/ });
  });

  it("no version that never ran here, and none whose images are not one release's", async (t) => {
    const { context } = await machine(t);
    const refused = { code: "rollback/version-not-here", blame: "gate", remedy: /r-v3, r-v2, r-v1/ } as const;
    const never = registryWith({ "v9.0.0": "v9" });
    await assert.rejects(resolveVersion(context, config, "v9.0.0", state, session, never.registry), refused);
    const half = registryWith({ "v1.0.0": "v1" }, ["web"]);
    await assert.rejects(resolveVersion(context, config, "v1.0.0", state, session, half.registry), refused);
  });

  it("what this machine remembers when the registry cannot be asked, which is told", async (t) => {
    const { context, said } = await machine(t);
    const ledger = await openHistory(context);
    await ledger.recordVersion({
      ...{ project: "shop", name: "v1.0.0", at: 1, release: "r-v1", commit: shop("v1").release.commit },
      ...{ environment: "production", who: "ada", payload: [] },
    });
    await ledger.close();
    const down = {
      head: async () => {
        throw registryError("registry/unavailable", "registry.test (status 503)");
      },
    } as unknown as Registry;
    assert.equal(await resolveVersion(context, config, "v1.0.0", state, session, down), "r-v1");
    assert.match(said.join(""), /warning: the registry cannot say what v1\.0\.0 is/);
  });

  it("never latest", async (t) => {
    const { context } = await machine(t);
    const { registry } = registryWith({ latest: "v1" });
    await assert.rejects(resolveVersion(context, config, "latest", state, session, registry), {
      code: "release/latest",
    });
  });
});

describe("the environment whose releases get versions", () => {
  const withNames = (...names: string[]) =>
    ({
      environments: Object.fromEntries(names.map((name) => [name, { name }])),
      file: "shiplock.yml",
    }) as unknown as Config;

  it("is production, or the only one, or the one that is named", () => {
    assert.equal(environmentFor(withNames("staging", "production"), null).name, "production");
    assert.equal(environmentFor(withNames("live"), null).name, "live");
    assert.equal(environmentFor(withNames("staging", "production"), "staging").name, "staging");
  });

  it("has to be named where neither tells", () => {
    assert.throws(() => environmentFor(withNames("eu", "us"), null), {
      code: "tag/which-environment",
      remedy: /--env/,
    });
    assert.throws(() => environmentFor(withNames("eu"), "us"), { code: "config/unknown-environment" });
  });
});
