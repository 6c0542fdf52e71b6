import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { environment, input, kinds, workflows } from "./samples.ts";
import { at, job, keysOf, pushed, ran, read, shiplockStep, textsOf } from "./read.ts";

const file = "shiplock-deploy.yml";
const lint = { lint: { process: true as const, run: "true" } };

describe("the workflow of what is deployed by itself", () => {
  test("deploys what is pushed to an environment's branch, and nothing else", async () => {
    const written = input({
      environments: {
        staging: environment({ on: { push: ["main", "release/*"] } }),
        production: environment({ on: { tags: "v*" } }),
        by_hand: undefined as never,
      },
    });
    delete (written.environments as Record<string, unknown>)["by_hand"];
    const workflow = await read(workflows(written), file);
    assert.deepEqual(at(at(at(workflow.tree, "on"), "push"), "branches"), ["main", "release/*"]);
    assert.deepEqual(at(at(at(workflow.tree, "on"), "push"), "tags"), ["v*"]);
    const [staging, production] = [job(workflow, "deploy-staging"), job(workflow, "deploy-production")];
    const cases: readonly (readonly [string, boolean, boolean])[] = [
      ["refs/heads/main", true, false],
      ["refs/heads/release/1.2", true, false],
      ["refs/heads/feature/x", false, false],
      ["refs/heads/v1.2.0", false, false],
      ["refs/tags/v1.2.0", false, true],
      ["refs/tags/main", false, false],
    ];
    for (const [ref, toStaging, toProduction] of cases) {
      assert.equal(staging.runs(pushed(ref)), toStaging, ref);
      assert.equal(production.runs(pushed(ref)), toProduction, ref);
    }
  });

  test("lets a filter through what may fit where GitHub's filters know other patterns than ours; the gate decides", async () => {
    const push = ["v[0-9].?", "**/hotfix", "c++", "[!m]*"];
    const workflow = await read(workflows(input({ environments: { staging: environment({ on: { push } }) } })), file);
    assert.deepEqual(at(at(at(workflow.tree, "on"), "push"), "branches"), ["v**", "**", String.raw`c\+\+`]);
    assert.equal(job(workflow, "deploy-staging").runs(pushed("refs/heads/team/a/hotfix")), true);
  });

  test("judges and deploys in one job under the environment's lock, which queues and never cancels", async () => {
    const workflow = await read(workflows(kinds["staging, then production, from one push"] ?? input()), file);
    const staging = job(workflow, "deploy-staging");
    assert.deepEqual(textsOf(at(staging.tree, "concurrency")), {
      group: "shiplock-staging",
      queue: "max",
      "cancel-in-progress": "false",
    });
    assert.deepEqual(textsOf(at(staging.tree, "environment")), { name: "staging", deployment: "false" });
    assert.equal(at(workflow.tree, "concurrency"), undefined);
    const step = shiplockStep(staging);
    assert.deepEqual(textsOf(at(step, "with"), pushed("refs/heads/main")), {
      command: "deploy",
      environment: "staging",
      ref: "main",
      automatic: "true",
      "ssh-key": "",
      "known-hosts": "",
    });
    assert.deepEqual(textsOf(at(staging.steps[0], "with")), { "fetch-depth": "0", "persist-credentials": "false" });
  });

  test("deploys production behind staging, and not what staging has skipped", async () => {
    const workflow = await read(workflows(kinds["staging, then production, from one push"] ?? input()), file);
    const production = job(workflow, "deploy-production");
    assert.deepEqual(production.needs, ["deploy-staging"]);
    assert.deepEqual(keysOf(at(job(workflow, "deploy-staging").tree, "outputs")), ["result"]);
    const after = (result: string): boolean =>
      production.runs({
        ...pushed("refs/heads/main"),
        needs: { "deploy-staging": { result: "success", outputs: { result } } },
      });
    assert.equal(after("succeeded"), true);
    assert.equal(after("nothing-to-do"), true);
    assert.equal(after("skipped"), false);
    assert.equal(after("superseded"), false);
    assert.equal(after("waiting"), false);
  });

  test("does not hold production up because a push is none of staging's", async () => {
    const written = input({
      environments: {
        staging: environment({ on: { push: "main" } }),
        production: environment({ on: { push: ["main", "hotfix/*"] }, after: { staging: "1m" } }),
      },
    });
    const workflow = await read(workflows(written), file);
    const needs = { "deploy-staging": { result: "skipped", outputs: {} } };
    assert.equal(job(workflow, "deploy-production").runs({ ...pushed("refs/heads/hotfix/1"), needs }), true);
    // GitHub puts success() before a condition that asks for no status itself, and that is false behind a job that was skipped.
    assert.doesNotMatch(workflow.jobs.get("deploy-production")?.condition ?? "", /success\(\)/);
  });

  test("waits for the required checks of the same commit, and for no other", async () => {
    const checks = { ...lint, links: { process: true as const, run: "true", required: false } };
    const workflow = await read(
      workflows(input({ checks, environments: { staging: environment({ on: { push: "main" } }) } })),
      file,
    );
    assert.deepEqual(job(workflow, "deploy-staging").needs, ["check-lint"]);
    assert.equal(job(workflow, "check-links").runs(pushed("refs/heads/main")), true);
  });

  test("takes the word of the team's own CI only for a push to this repository that passed, and for its very commit", async () => {
    const workflow = await read(workflows(kinds["after the team's own CI"] ?? input()), file);
    const on = at(workflow.tree, "on");
    assert.deepEqual(keysOf(on), ["workflow_run"]);
    assert.deepEqual(at(at(on, "workflow_run"), "workflows"), ["CI", "Lint all"]);
    assert.deepEqual(at(at(on, "workflow_run"), "branches"), ["main"]);
    for (const name of ["check-lint", "deploy-staging"]) {
      const one = job(workflow, name);
      assert.equal(one.runs(ran()), true);
      for (const conclusion of ["failure", "cancelled", "skipped", "timed_out"])
        assert.equal(one.runs(ran({ conclusion })), false, conclusion);
      assert.equal(one.runs(ran({ event: "pull_request" })), false);
      assert.equal(one.runs(ran({ head_repository: { full_name: "mallory/shop" } })), false);
      assert.equal(textsOf(at(one.steps[0], "with"), ran())["ref"], "c0ffee");
    }
    const staging = job(workflow, "deploy-staging");
    assert.equal(staging.runs(ran({ head_branch: "feature/x" })), false);
    assert.equal(staging.runs(ran({ name: "Lint all" })), true);
    assert.equal(textsOf(at(shiplockStep(staging), "with"), ran())["ref"], "main:c0ffee");
  });

  test("goes on to production when the last workflow has passed that staging waited for, whichever it is", async () => {
    const staging = environment({ on: { push: "main", checks: ["CI", "Lint all"] } });
    for (const checks of [["CI"], ["Audit"]]) {
      const production = environment({ on: { push: "main", checks }, after: { staging: "0s" } });
      const workflow = await read(workflows(input({ environments: { staging, production } })), file);
      const runs = (name: string, result: string): boolean =>
        job(workflow, "deploy-production").runs({
          ...ran({ name }),
          needs: { "deploy-staging": { result: "success", outputs: { result } } },
        });
      for (const name of ["Lint all", "CI", ...checks]) {
        assert.equal(runs(name, "succeeded"), true, name);
        assert.equal(runs(name, "skipped"), false, name);
      }
      assert.equal(runs("Docs", "succeeded"), false);
    }
  });

  test("takes a job that was cancelled alone, or ran out of time, for none that passed", async () => {
    const written = input({
      checks: lint,
      environments: {
        staging: environment({ on: { push: "main" } }),
        production: environment({ on: { push: ["main", "hotfix/*"] }, after: { staging: "1m" } }),
      },
    });
    const production = job(await read(workflows(written), file), "deploy-production");
    const runs = (check: string, staging: string): boolean =>
      production.runs({
        ...pushed("refs/heads/hotfix/1"),
        needs: { "check-lint": { result: check }, "deploy-staging": { result: staging, outputs: {} } },
      });
    assert.equal(runs("success", "skipped"), true);
    assert.equal(runs("cancelled", "skipped"), false);
    assert.equal(runs("skipped", "skipped"), false);
    assert.equal(runs("success", "cancelled"), false);
  });

  test("keeps no results of checks where a run of another branch could leave them for the default branch", async () => {
    const workflow = await read(workflows(kinds["after the team's own CI"] ?? input()), file);
    const cache = job(workflow, "check-lint").steps.find((step) =>
      String(at(step, "uses")).startsWith("actions/cache@"),
    );
    assert.equal(at(cache, "if"), "github.event_name != 'workflow_run'");
  });

  test("deploys at its time an environment's own branch, also where that is not the default one", async () => {
    const workflow = await read(workflows(kinds["by time"] ?? input()), file);
    const due = (schedule: string) => ({
      github: {
        event_name: "schedule",
        ref: "refs/heads/main",
        ref_name: "main",
        ref_type: "branch",
        sha: "x",
        event: { schedule },
      },
    });
    const nightly = job(workflow, "deploy-nightly");
    assert.equal(nightly.runs(due("0 3 * * 1-5")), true);
    assert.equal(nightly.runs(due("0 4 * * sun")), false);
    assert.equal(job(workflow, "deploy-weekly").runs(due("0 4 * * sun")), true);
    const taken = (name: string, schedule: string): (string | undefined)[] => {
      const { steps } = job(workflow, name);
      return [textsOf(at(steps[0], "with"), due(schedule)), textsOf(at(steps.at(-1), "with"), due(schedule))].map(
        (given) => given["ref"],
      );
    };
    assert.deepEqual(taken("deploy-nightly", "0 3 * * 1-5"), ["develop", "develop"]);
    assert.deepEqual(taken("deploy-weekly", "0 4 * * sun"), ["main", "main"]);
    assert.equal(textsOf(at(nightly.steps[0], "with"), pushed("refs/heads/develop"))["ref"], "c0ffee");
    assert.equal(textsOf(at(nightly.steps.at(-1), "with"), pushed("refs/heads/develop"))["ref"], "develop:c0ffee");
  });

  test("cannot be made where two environments come at one time from different branches, and says so", () => {
    const at3 = (push: string) => environment({ on: { push, schedule: "0 3 * * *" } });
    const written = input({ environments: { staging: at3("main"), nightly: at3("develop") } });
    assert.throws(() => workflows(written), {
      code: "workflows/one-time-two-branches",
      message: /staging and nightly come at the same time/,
    });
  });

  test("leaves a runner free while a request waits for people, or for hours, and keeps it for minutes", async () => {
    const noWait = async (more: Parameters<typeof environment>[0]): Promise<string | undefined> => {
      const files = workflows(input({ environments: { production: environment({ on: { push: "main" }, ...more }) } }));
      return textsOf(at(shiplockStep(job(await read(files, file), "deploy-production")), "with"))["no-wait"];
    };
    assert.equal(await noWait({}), undefined);
    assert.equal(await noWait({ wait: "5m" }), undefined);
    assert.equal(await noWait({ wait: "3h" }), "true");
    assert.equal(await noWait({ reviewers: { people: ["ada"] } }), "true");
  });

  test("gives a version's name to the images that came by a tag", async () => {
    const workflow = await read(workflows(kinds["production by tags, with reviewers"] ?? input()), file);
    const step = shiplockStep(job(workflow, "deploy-production"), "tag");
    assert.match(String(at(step, "if")), /github\.ref_type == 'tag' && .*steps\.deploy\.outputs\.result/);
    assert.equal(textsOf(at(step, "with"), pushed("refs/tags/v1.2.0"))["version"], "v1.2.0");
  });
});
