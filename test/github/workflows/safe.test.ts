import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ShiplockError } from "../../../src/errors.ts";
import type { WorkflowFile } from "../../../src/github/workflows/types.ts";
import type { Tree } from "../official/parser.ts";
import { anyInput, environment, input, kinds, workflows } from "./samples.ts";
import { at, job, keysOf, pushed, read, shiplockStep, textsOf } from "./read.ts";

/** The keys and values of a tree, whatever lies above them. */
function* values(tree: Tree | undefined): Generator<readonly [string, Tree]> {
  if (tree instanceof Map) {
    for (const [key, value] of tree as ReadonlyMap<string, Tree>) {
      yield [key, value];
      yield* values(value);
    }
  } else if (Array.isArray(tree)) for (const value of tree as readonly Tree[]) yield* values(value);
}

function all(key: string, tree: Tree): Tree[] {
  return [...values(tree)].flatMap(([name, value]) => (name === key ? [value] : []));
}

async function jobsOf(
  files: readonly WorkflowFile[],
): Promise<{ file: string; name: string; tree: Tree | undefined }[]> {
  const found = await Promise.all(
    files.map(async (file) => {
      const jobs = at((await read(files, file.name)).tree, "jobs");
      return keysOf(jobs).map((name) => ({ file: file.name, name, tree: at(jobs, name) }));
    }),
  );
  return found.flat();
}

function made(written: Parameters<typeof workflows>[0]): readonly WorkflowFile[] {
  try {
    return workflows(written);
  } catch (error) {
    if (error instanceof ShiplockError && error.code === "workflows/one-time-two-branches") return [];
    throw error;
  }
}

describe("every workflow of any configuration", () => {
  test("runs no text of outside origin in a shell, and no action that somebody could change", async () => {
    await fc.assert(
      fc.asyncProperty(anyInput, async (written) => {
        const files = made(written);
        for (const { name, text } of files) {
          const { tree } = await read(files, name);
          for (const run of all("run", tree)) assert.equal(run, "exit 1");
          // On several lines GitHub takes what surrounds an expression for text, and every text is true.
          for (const condition of all("if", tree)) assert.doesNotMatch(JSON.stringify(condition), /format\(/);
          for (const uses of all("uses", tree)) assert.match(String(uses), /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
          for (const line of text.split("\n").filter((one) => / uses:/.test(one)))
            assert.match(line, / # v\d+\.\d+\.\d+$/);
          assert.deepEqual(
            keysOf(at(tree, "on")).filter((event) => event === "pull_request_target"),
            [],
          );
          for (const kept of all("persist-credentials", tree)) assert.equal(String(kept), "false");
          assert.equal(all("persist-credentials", tree).length, text.split("actions/checkout@").length - 1);
        }
      }),
      { numRuns: 12 },
    );
  });

  test("may do nothing but what its job says, and ends", async () => {
    await fc.assert(
      fc.asyncProperty(anyInput, async (written) => {
        for (const { name, text } of made(written)) {
          assert.match(text, /^permissions: \{\}$/m, name);
          assert.doesNotMatch(text, /write-all|read-all|contents: write|actions: write/);
        }
        for (const { name, tree } of await jobsOf(made(written))) {
          assert.equal(typeof at(tree, "timeout-minutes"), "number");
          assert.ok(Number(at(tree, "timeout-minutes")) <= 360);
          assert.ok(name === "required" || at(tree, "permissions") instanceof Map, name);
        }
      }),
      { numRuns: 12 },
    );
  });

  test("has one lock for each environment, whichever workflow changes it, in which nobody is cancelled", async () => {
    await fc.assert(
      fc.asyncProperty(anyInput, async (written) => {
        for (const { name, tree } of await jobsOf(made(written))) {
          const [, kind, where] = /^(deploy|change|resume|record)-(.*)$/.exec(name) ?? [];
          const lock = at(tree, "concurrency");
          if (kind === undefined || kind === "record") {
            assert.equal(lock, undefined, name);
            continue;
          }
          assert.deepEqual(textsOf(lock), {
            group: `shiplock-${where ?? ""}`,
            queue: "max",
            "cancel-in-progress": "false",
          });
          assert.deepEqual(textsOf(at(tree, "environment")), { name: where, deployment: "false" });
        }
      }),
      { numRuns: 12 },
    );
  });
});

describe("a job has the permissions that it needs and no others", () => {
  const permissions = async (written: Parameters<typeof workflows>[0], name: string, file = "deploy") =>
    textsOf(at(job(await read(workflows(written), `shiplock-${file}.yml`), name).tree, "permissions"));

  test("a deployment writes its record, and reads what its gates ask for", async () => {
    assert.deepEqual(await permissions(kinds["a push to staging"] ?? input(), "deploy-staging"), {
      contents: "read",
      deployments: "write",
    });
    const asking = kinds["after the team's own CI"] ?? input();
    assert.deepEqual(await permissions(asking, "deploy-staging"), {
      actions: "read",
      checks: "read",
      contents: "read",
      deployments: "write",
      statuses: "read",
    });
    assert.equal((await permissions(asking, "deploy-production"))["pull-requests"], "read");
    assert.deepEqual(await permissions(kinds["hosts that are runners"] ?? input(), "deploy-box"), { contents: "read" });
  });

  test("giving a name to images that ran changes no record of a deployment", async () => {
    const written = input({ environments: { production: environment() } });
    assert.deepEqual(await permissions(written, "tag", "release"), { contents: "read" });
  });

  test("a check writes its result, and whoever tells GitHub something may do that", async () => {
    const told = kinds["everybody is told"] ?? input();
    assert.deepEqual(await permissions(told, "check-lint"), {
      contents: "read",
      checks: "write",
      "pull-requests": "write",
    });
    const { statuses, "pull-requests": pulls } = await permissions(told, "deploy-staging");
    assert.deepEqual([statuses, pulls], ["write", "write"]);
  });

  test("a check writes nothing to GitHub where history stays on the runner", async () => {
    const written = { ...kinds["hosts that are runners"], checks: { lint: { process: true as const, run: "true" } } };
    assert.deepEqual(await permissions(input(written), "check-lint"), { contents: "read" });
    assert.deepEqual(await permissions(input(written), "deploy-box"), { contents: "read" });
  });

  test("images are pushed with GitHub's token to GitHub's registry alone, and the cloud is asked where secrets are there", async () => {
    const packages = kinds["GitHub's own registry"] ?? input();
    assert.equal((await permissions(packages, "deploy-staging"))["packages"], "write");
    assert.equal((await permissions(packages, "images", "pull-request"))["packages"], "read");
    assert.equal((await permissions(kinds["a push to staging"] ?? input(), "deploy-staging"))["packages"], undefined);
    assert.equal(
      (await permissions(kinds["secrets from AWS and from a file"] ?? input(), "deploy-production"))["id-token"],
      "write",
    );
  });
});

describe("a step is given the secrets that it needs and no others", () => {
  const written = input({
    registry: { address: "registry.example.com/shop", username: "${REGISTRY_USER}", password: "REGISTRY_PASSWORD" },
    checks: { test: { process: true, run: "true", secrets: ["LICENCE_KEY"] } },
    notify: [
      { slack: { webhook: "STAGING_WEBHOOK" }, environments: ["staging"] },
      { slack: { webhook: "FAILED_CHECKS_WEBHOOK" }, environments: ["production"], events: ["check-failed"] },
    ],
    environments: {
      staging: environment({ on: { push: "main" }, secrets: ["STAGING_PASSWORD"] }),
      production: environment({
        on: { push: "main" },
        secrets: { names: ["DATABASE_PASSWORD"], providers: ["env", { age: "production.age" }] },
        hooks: { after: [{ run: "./tell", secrets: ["HOOK_TOKEN", "DOCKER_HOST"] }] },
      }),
    },
  });

  const given = async (name: string, file = "deploy"): Promise<string[]> =>
    keysOf(at(shiplockStep(job(await read(workflows(written), `shiplock-${file}.yml`), name)), "env"));

  test("of its own environment, of the registry, and of whom it tells", async () => {
    assert.deepEqual(await given("deploy-staging"), [
      "STAGING_PASSWORD",
      "REGISTRY_PASSWORD",
      "STAGING_WEBHOOK",
      "REGISTRY_USER",
    ]);
    assert.deepEqual(await given("deploy-production"), [
      "DATABASE_PASSWORD",
      "HOOK_TOKEN",
      "SHIPLOCK_AGE_KEY",
      "REGISTRY_PASSWORD",
      "FAILED_CHECKS_WEBHOOK",
      "REGISTRY_USER",
    ]);
    assert.deepEqual(await given("check-test"), ["LICENCE_KEY", "FAILED_CHECKS_WEBHOOK"]);
    assert.deepEqual(await given("record-production", "manual"), ["FAILED_CHECKS_WEBHOOK"]);
  });

  test("a key for the hosts goes where hosts are reached by SSH", async () => {
    const inputs = async (from: Parameters<typeof workflows>[0], name: string): Promise<string[]> =>
      keysOf(at(shiplockStep(job(await read(workflows(from), "shiplock-deploy.yml"), name)), "with"));
    assert.ok((await inputs(written, "deploy-staging")).includes("ssh-key"));
    assert.ok(!(await inputs(written, "check-test")).includes("ssh-key"));
    const box = kinds["hosts that are runners"] ?? input();
    assert.deepEqual(await inputs(box, "deploy-box"), ["command", "environment", "ref", "automatic", "token"]);
  });

  test("a value is filled in by name, and GitHub's own token is the run's", async () => {
    const packages = kinds["GitHub's own registry"] ?? input();
    const step = shiplockStep(job(await read(workflows(packages), "shiplock-deploy.yml"), "deploy-staging"));
    const { github } = pushed("refs/heads/main");
    assert.deepEqual(textsOf(at(step, "env"), { github: { ...(github as object), token: "ghs_1" } }), {
      GITHUB_TOKEN: "ghs_1",
    });
  });
});
