import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseConfig } from "../../src/config/load.ts";
import { createShopRepository, createSwitchboardRepository } from "./app-history.ts";
import { must } from "./process.ts";

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "shiplock-history-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function filesOfCommit(path: string, commit: string): Promise<string[]> {
  const text = await must(["git", "-C", path, "show", "--name-only", "--format=", commit]);
  return text.trim().split("\n").sort();
}

test("the shop's history is the same commits every time, and ends on a clean main", async () => {
  await inFolder(async (folder) => {
    const [one, two] = [join(folder, "one"), join(folder, "two")];
    const history = await createShopRepository(one);
    assert.deepEqual((await createShopRepository(two)).commits, history.commits);
    assert.deepEqual(Object.keys(history.commits), ["v1", "v2", "broken-health", "broken-exit", "v5"]);
    assert.equal((await must(["git", "-C", one, "status", "--porcelain"])).trim(), "");
    assert.equal((await must(["git", "-C", one, "rev-parse", "main"])).trim(), history.commits.v5);
    assert.equal((await must(["git", "-C", one, "rev-parse", "broken-exit"])).trim(), history.commits["broken-exit"]);
  });
});

test("the shop's second version brings a migration, and the ones after it change the api alone", async () => {
  await inFolder(async (folder) => {
    const { path, commits } = await createShopRepository(join(folder, "shop"));
    assert.ok((await filesOfCommit(path, commits.v2)).includes("api/migrations/versions/0002_stock.py"));
    for (const version of ["broken-health", "broken-exit", "v5"] as const) {
      const files = await filesOfCommit(path, commits[version]);
      assert.ok(
        files.every((file) => file.startsWith("api/shop/")),
        files.join(", "),
      );
    }
  });
});

test("the examples' configurations are valid, as they are and as a test configures them", async () => {
  await inFolder(async (folder) => {
    const configure = [
      { path: ["registry", "address"], value: "10.0.0.1:5000/apps" },
      { path: ["registry", "insecure"], value: true },
      { path: ["environments", "production", "variables", "DATABASE_HOST"], value: "10.0.0.2" },
    ];
    const shop = await createShopRepository(join(folder, "shop"), { configure });
    const switchboard = await createSwitchboardRepository(join(folder, "switchboard"), [{ version: "v1" }]);
    const [configured, plain] = [shop, switchboard].map(({ path }) => {
      const file = join(path, "shiplock.yml");
      return parseConfig(readFileSync(file, "utf8"), file);
    });
    assert.equal(configured?.registry?.address, "10.0.0.1:5000/apps");
    assert.equal(configured?.environments["production"]?.variables["DATABASE_HOST"], "10.0.0.2");
    assert.equal(configured?.images["web"]?.perEnvironment, true);
    assert.equal(configured?.images["api"]?.perEnvironment, false);
    assert.deepEqual(Object.keys(plain?.services ?? {}), ["web", "caller"]);
  });
});

test("each version of the switchboard carries its switches in its commit", async () => {
  await inFolder(async (folder) => {
    const versions = [{ version: "v1" }, { version: "exits", startExit: 3 }, { version: "v2" }];
    const { path, commits } = await createSwitchboardRepository(join(folder, "switchboard"), versions);
    for (const version of versions) {
      const text = await must(["git", "-C", path, "show", `${commits[version.version]}:version.json`]);
      assert.deepEqual(JSON.parse(text), version);
    }
  });
});
