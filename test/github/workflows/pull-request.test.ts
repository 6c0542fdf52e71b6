import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { input, kinds, workflows } from "./samples.ts";
import { at, job, keysOf, proposed, read, shiplockStep, textsOf } from "./read.ts";

const checked = kinds["checks with needs, matrices, services and artifacts"] ?? input();
const file = "shiplock-pull-request.yml";

describe("the workflow of a pull request", () => {
  test("has a job for every check, behind those that it needs, with its matrix", async () => {
    const workflow = await read(workflows(checked), file);
    assert.deepEqual(keysOf(at(workflow.tree, "jobs")), [
      "check-lint",
      "check-build",
      "check-test",
      "check-links",
      "images",
      "required",
    ]);
    const tested = job(workflow, "check-test");
    assert.deepEqual(tested.needs, ["check-build"]);
    const strategy = at(tested.tree, "strategy");
    assert.equal(at(strategy, "fail-fast"), false);
    assert.deepEqual(at(at(strategy, "matrix"), "job"), [
      "test (NODE=22, DB=16)",
      "test (NODE=22, DB=17)",
      "test (NODE=24, DB=16)",
      "test (NODE=24, DB=17)",
    ]);
  });

  test("checks the head of the pull request, and not the merge that GitHub makes of it", async () => {
    const workflow = await read(workflows(checked), file);
    for (const name of ["check-lint", "images"]) {
      const [checkout] = job(workflow, name).steps;
      assert.match(String(at(checkout, "uses")), /^actions\/checkout@[0-9a-f]{40}$/);
      assert.deepEqual(textsOf(at(checkout, "with"), proposed()), { ref: "c0ffee", "persist-credentials": "false" });
    }
  });

  test("takes what needed checks hand over, and hands over what others need, also of every part of a matrix", async () => {
    const workflow = await read(workflows(checked), file);
    const passedOn = (name: string) =>
      job(workflow, name).steps.flatMap((step) => {
        const [, artifact] = /^actions\/(upload|download)-artifact@/.exec(String(at(step, "uses"))) ?? [];
        const { name: called = "", pattern = "", path = "" } = textsOf(at(step, "with"));
        return artifact === undefined ? [] : [`${artifact} ${called}${pattern} ${path}`];
      });
    assert.deepEqual(passedOn("check-build"), [
      "download shiplock.lint.* /tmp/shiplock/handed",
      "upload shiplock.build.0 /tmp/shiplock/hand-over",
      "upload artifacts.build /tmp/shiplock/artifacts",
    ]);
    assert.deepEqual(textsOf(at(shiplockStep(job(workflow, "check-build")), "with")), {
      command: "check",
      checks: "build",
      handed: "/tmp/shiplock/handed",
      "hand-over": "/tmp/shiplock/hand-over",
      artifacts: "/tmp/shiplock/artifacts",
    });
    assert.deepEqual(passedOn("check-links"), []);
    const matrix = input({
      checks: {
        unit: { process: true, run: "true", matrix: { DB: ["16", "17"] } },
        all: { process: true, run: "true", needs: ["unit"] },
      },
    });
    const upload = job(await read(workflows(matrix), file), "check-unit").steps.at(-1);
    assert.equal(textsOf(at(upload, "with"), { strategy: { "job-index": 1 } })["name"], "shiplock.unit.1");
  });

  test("keeps the results of checks between runs, but of none that is never answered from the cache", async () => {
    const workflow = await read(workflows(checked), file);
    const caches = (name: string) =>
      job(workflow, name).steps.filter((step) => String(at(step, "uses")).startsWith("actions/cache@")).length;
    assert.equal(caches("check-lint"), 1);
    assert.equal(caches("check-links"), 0);
  });

  test("keeps what the caches of a check hold, as long as the files and images are the same that they belong to", async () => {
    const keyOf = async (image: string, configPath = "shiplock.yml"): Promise<string> => {
      const lint = {
        image,
        directory: "web",
        run: "npm ci",
        caches: [{ path: "/root/.npm", key: ["package-lock.json", "./.npmrc"] }],
      };
      const files = workflows(input({ checks: { lint } }), { configPath });
      const { name } = files.find((one) => one.name.endsWith("pull-request.yml")) ?? { name: "" };
      const checkedJob = job(await read(files, name), "check-lint");
      const cache = checkedJob.steps.find((step) => String(at(step, "name")).startsWith("Caches"));
      assert.equal(textsOf(at(shiplockStep(checkedJob), "with"))["caches"], "/tmp/shiplock/caches");
      return files.find((one) => one.name === name)?.text.match(/key: (shiplock-caches-.*)/)?.[1] ?? String(cache);
    };
    const key = await keyOf("node:24");
    assert.match(
      key,
      /^shiplock-caches-lint-[0-9a-f]{8}-\$\{\{ hashFiles\('web\/\.npmrc', 'web\/package-lock\.json'\) \}\}$/,
    );
    assert.notEqual(await keyOf("node:26"), key);
    assert.match(await keyOf("node:24", "apps/shop/shiplock.yml"), /hashFiles\('apps\/shop\/web\/\.npmrc'/);
  });

  test("builds the images without pushing them, and with no login", async () => {
    const written = input({
      registry: { address: "ghcr.io/acme", username: "${GITHUB_ACTOR}", password: "GITHUB_TOKEN" },
      checks: { lint: { process: true, run: "true" } },
    });
    const built = job(await read(workflows(written), file), "images");
    assert.deepEqual(textsOf(at(shiplockStep(built), "with")), { command: "build", verify: "true" });
    assert.equal(at(shiplockStep(built), "env"), undefined);
    assert.deepEqual(textsOf(at(built.tree, "permissions")), { contents: "read" });
  });

  test("builds images that differ by environment with the values of one", async () => {
    const written = kinds["images that differ by environment, and no registry"] ?? input();
    const step = shiplockStep(job(await read(workflows(written), file), "images"));
    assert.equal(textsOf(at(step, "with"))["environment"], "staging");
    assert.deepEqual(keysOf(at(step, "env")), ["NPM_TOKEN", "FLAG"]);
  });

  test("emulates the machines that images are built for, wherever they are built", async () => {
    const files = workflows(kinds["images for several machines"] ?? input());
    for (const [name, of] of [
      [file, "images"],
      ["shiplock-deploy.yml", "deploy-staging"],
      ["shiplock-manual.yml", "change-staging"],
    ] as const) {
      const [, step] = job(await read(files, name), of).steps;
      assert.match(String(at(step, "uses")), /^docker\/setup-qemu-action@/);
      assert.deepEqual(textsOf(at(step, "with")), { platforms: "arm,arm64" });
    }
    assert.ok(workflows(checked).every(({ text }) => !text.includes("qemu")));
  });

  test("ends in one status that is green only when every required check and the build are", async () => {
    const workflow = await read(workflows(checked), file);
    const required = job(workflow, "required");
    assert.deepEqual(required.needs, ["check-lint", "check-build", "check-test", "images"]);
    assert.equal(required.runs({}), true);
    const [step] = required.steps;
    assert.equal(at(step, "run"), "exit 1");
    const fails = (results: Record<string, string>): boolean => {
      const needs = Object.fromEntries(required.needs.map((name) => [name, { result: results[name] ?? "success" }]));
      return textsOf(new Map([["if", { expression: String(at(step, "if")) }]]), { needs })["if"] === "true";
    };
    assert.equal(fails({}), false);
    for (const result of ["failure", "cancelled", "skipped"]) {
      assert.equal(fails({ "check-test": result }), true, result);
      assert.equal(fails({ images: result }), true, result);
    }
  });

  test("gives its secrets to a pull request of the repository, and none to a fork's", async () => {
    const workflow = await read(workflows(checked), file);
    const env = at(shiplockStep(job(workflow, "check-test")), "env");
    assert.deepEqual(textsOf(env, proposed()), { LICENCE_KEY: "s3cret" });
    assert.deepEqual(textsOf(env, proposed("mallory/shop")), { LICENCE_KEY: "" });
    assert.deepEqual(keysOf(at(workflow.tree, "on")), ["pull_request"]);
  });

  test("is ended by a newer push to the same pull request, which ends nothing else", async () => {
    const workflow = await read(workflows(checked), file);
    assert.deepEqual(textsOf(at(workflow.tree, "concurrency"), proposed()), {
      group: "shiplock-pull-request-7",
      "cancel-in-progress": "true",
    });
  });

  test("has group, caches and status for itself where a repository has several projects", async () => {
    const names = async (project: string, configPath: string): Promise<string[]> => {
      const files = workflows({ ...checked, project }, { configPath });
      const { name } = files.find((one) => one.name.endsWith("pull-request.yml")) ?? { name: "" };
      const workflow = await read(files, name);
      const group = textsOf(at(workflow.tree, "concurrency"), proposed())["group"] ?? "";
      const [, cache] = job(workflow, "check-lint").steps;
      const key = textsOf(at(cache, "with"), proposed())["restore-keys"] ?? "";
      return [group, key, String(at(job(workflow, "required").tree, "name"))];
    };
    const [root, shop, blog] = [
      await names("all", "shiplock.yml"),
      await names("shop", "apps/shop/shiplock.yml"),
      await names("blog", "apps/blog/shiplock.yml"),
    ];
    assert.deepEqual(shop, ["shiplock-shop-pull-request-7", "shiplock-shop-check-lint.0-", "required checks of shop"]);
    assert.equal(new Set([...root, ...shop, ...blog]).size, 9);
  });

  test("takes up the results of a check, and not those of one whose name begins like its name", async () => {
    const checks = { lint: { image: "node:24", run: "a" }, "lint-all": { image: "node:24", run: "b" } };
    const workflow = await read(workflows(input({ checks })), file);
    const [start, key] = (["lint", "lint-all"] as const).map((name) =>
      textsOf(at(job(workflow, `check-${name}`).steps[1], "with"), proposed()),
    );
    assert.ok(!(key?.["key"] ?? "").startsWith(start?.["restore-keys"] ?? ""));
  });
});
