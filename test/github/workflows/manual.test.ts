import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { argumentsOf } from "../../../src/action/arguments.ts";
import { readInputs } from "../../../src/action/inputs.ts";
import type { ConfigInput } from "../../../src/config/schema.ts";
import type { Json } from "../../../src/json.ts";
import { environment, input, kinds, workflows } from "./samples.ts";
import { at, job, keysOf, read, type ReadJob, textsOf } from "./read.ts";
import { createEvaluation } from "../official/expressions.ts";

const file = "shiplock-manual.yml";
const written = input({
  freeze: [{ from: "2026-12-20", until: "2027-01-02", reason: "the holidays" }],
  environments: {
    staging: environment({ on: { push: "main" } }),
    production: environment({
      after: { staging: "10m" },
      confirm: true,
      reviewers: { people: ["ada"] },
      emergency: { passes: ["freeze"] },
    }),
  },
});

type Chosen = Readonly<Record<string, Json>>;

function chosen(inputs: Chosen): Record<string, Json> {
  const form = { what: "", confirm: "", reason: "", "take-over": false, "override-freeze": false, emergency: false };
  return {
    github: { event_name: "workflow_dispatch", ref_name: "main", event: { repository: { default_branch: "main" } } },
    inputs: { ...form, ...inputs },
  };
}

/** The command lines that a form leads to, job by job. */
async function commandsOf(config: ConfigInput, inputs: Chosen): Promise<Record<string, string[]>> {
  const workflow = await read(workflows(config), file);
  const jobs = keysOf(at(workflow.tree, "jobs")).flatMap((name): [string, ReadJob][] => {
    const one = job(workflow, name);
    return one.runs(chosen(inputs)) ? [[name, one]] : [];
  });
  return Object.fromEntries(
    jobs.map(([name, { steps }]) => [
      name,
      steps.flatMap((step) => {
        const condition = at(step, "if");
        const wanted = condition === undefined || createEvaluation(chosen(inputs)).holds(String(condition));
        if (!wanted || !String(at(step, "uses")).startsWith("shiplock/")) return [];
        const given = textsOf(at(step, "with"), chosen(inputs));
        const env = Object.fromEntries(
          Object.entries(given).map(([key, text]) => [`INPUT_${key.toUpperCase()}`, text]),
        );
        return [argumentsOf(readInputs(env)).join(" ")];
      }),
    ]),
  );
}

describe("the workflow for what people do", () => {
  test("offers actions and environments to choose from, and asks for no more than the configuration knows", async () => {
    const inputs = async (config: ConfigInput) =>
      at(at(at((await read(workflows(config), file)).tree, "on"), "workflow_dispatch"), "inputs");
    const full = await inputs(written);
    assert.deepEqual(keysOf(full), [
      "action",
      "environment",
      "what",
      "confirm",
      "reason",
      "take-over",
      "override-freeze",
      "emergency",
    ]);
    const actions = [
      "deploy",
      "promote",
      "rollback",
      "hold",
      "unhold",
      "cancel",
      "approve",
      "reject",
      "resume",
      "abort",
    ];
    assert.deepEqual(at(at(full, "action"), "options"), actions);
    assert.deepEqual(at(at(full, "environment"), "options"), ["staging", "production"]);
    const small = await inputs(input());
    assert.deepEqual(keysOf(small), ["action", "environment", "what", "confirm", "reason", "take-over"]);
    assert.deepEqual(
      at(at(small, "action"), "options"),
      actions.filter((action) => action !== "approve" && action !== "reject"),
    );
  });

  test("says in its name what is done where, and by whom", async () => {
    const { tree } = await read(workflows(written), file);
    const name = at(tree, "run-name");
    const inputs = { action: "deploy", environment: "staging", what: "feature/x" };
    assert.equal(
      textsOf(new Map([["name", name ?? ""]]), { github: { actor: "ada" }, inputs })["name"],
      "deploy staging feature/x by ada",
    );
  });

  test("deploys a branch, and without one the branch that it was started from", async () => {
    assert.deepEqual(await commandsOf(written, { action: "deploy", environment: "staging", what: "feature/x" }), {
      "change-staging": ["deploy --ref=feature/x -- staging"],
    });
    assert.deepEqual(await commandsOf(written, { action: "deploy", environment: "staging" }), {
      "change-staging": ["deploy --ref=main -- staging"],
    });
  });

  test("hands on whatever somebody types as one argument", async () => {
    for (const what of ["a'b", "$(reboot)", "--force", "x; y", '"', "${{ secrets.TOKEN }}"]) {
      const [command] =
        (await commandsOf(written, { action: "deploy", environment: "staging", what }))["change-staging"] ?? [];
      assert.equal(command, `deploy --ref=${what} -- staging`);
    }
  });

  test("promotes from the environment that comes before, or from the one that is named", async () => {
    const promote = { action: "promote", environment: "production", confirm: "production", reason: "it is Friday" };
    assert.deepEqual(await commandsOf(written, promote), {
      "change-production": ["promote --no-wait --reason=it is Friday --confirm=production -- staging production"],
    });
    assert.match(
      (await commandsOf(written, { ...promote, what: "staging" }))["change-production"]?.[0] ?? "",
      / -- staging production$/,
    );
  });

  test("goes back to the last healthy release, or to the one that is named, and waits for nobody's approval", async () => {
    const back = { action: "rollback", environment: "production" };
    assert.deepEqual(await commandsOf(written, back), { "change-production": ["rollback -- production"] });
    assert.deepEqual(await commandsOf(written, { ...back, what: "v1.2.0" }), {
      "change-production": ["rollback --to=v1.2.0 -- production"],
    });
  });

  test("passes on an emergency and what is taken over", async () => {
    const all = { "take-over": true, "override-freeze": true, emergency: true, reason: "the shop is down" };
    const [command = ""] =
      (await commandsOf(written, { action: "deploy", environment: "production", ...all }))["change-production"] ?? [];
    for (const flag of ["--take-over", "--override-freeze", "--emergency", "--reason=the shop is down"])
      assert.ok(command.includes(flag), flag);
  });

  test("holds, frees and calls off past the lock of a deployment that waits", async () => {
    const hold = { action: "hold", environment: "staging", reason: "a demo" };
    assert.deepEqual(await commandsOf(written, hold), { "record-staging": ["hold --reason=a demo -- staging"] });
    for (const action of ["unhold", "cancel"])
      assert.deepEqual(await commandsOf(written, { ...hold, action }), { "record-staging": [`${action} -- staging`] });
    assert.equal(at(job(await read(workflows(written), file), "record-staging").tree, "concurrency"), undefined);
  });

  test("records an approval at once, and carries out what it allows under the lock", async () => {
    const approve = { action: "approve", environment: "production", reason: "tried it" };
    assert.deepEqual(await commandsOf(written, approve), {
      "record-production": ["approve --comment=tried it -- production"],
      "resume-production": ["resume --no-wait -- production"],
    });
    const resume = job(await read(workflows(written), file), "resume-production");
    assert.deepEqual(resume.needs, ["record-production"]);
    assert.equal(textsOf(at(resume.tree, "concurrency"))["group"], "shiplock-production");
    assert.deepEqual(await commandsOf(written, { ...approve, action: "reject" }), {
      "record-production": ["reject --comment=tried it -- production"],
    });
  });

  test("finishes or undoes what a dead runner left in the middle", async () => {
    for (const action of ["resume", "abort"])
      assert.deepEqual(await commandsOf(written, { action, environment: "staging" }), {
        "change-staging": [`${action} -- staging`],
      });
  });

  test("takes the configuration of the default branch, whatever it was started from", async () => {
    const workflow = await read(workflows(written), file);
    const [checkout] = job(workflow, "change-production").steps;
    const given = textsOf(at(checkout, "with"), {
      github: { ref: "refs/heads/evil", event: { repository: { default_branch: "main" } } },
    });
    assert.equal(given["ref"], "main");
  });
});

describe("the workflow of a published Release", () => {
  test("gives its name to the images that ran in production", async () => {
    const workflow = await read(workflows(written), "shiplock-release.yml");
    assert.deepEqual(at(at(at(workflow.tree, "on"), "release"), "types"), ["published"]);
    const named = job(workflow, "tag");
    // What ran there is asked of its hosts, and their key is a secret of the environment.
    assert.deepEqual(textsOf(at(named.tree, "environment")), { name: "production", deployment: "false" });
    const step = named.steps.at(-1);
    const given = textsOf(at(step, "with"), { github: { event: { release: { tag_name: "v1.2.0" } } } });
    assert.deepEqual([given["command"], given["version"], given["environment"]], ["tag", "v1.2.0", "production"]);
  });

  test("is not there where the tag's own deployment names them, where nothing is in a registry, or where nobody knows which environment", () => {
    const names = (config: ConfigInput): string[] => workflows(config).map(({ name }) => name);
    assert.ok(names(input()).includes("shiplock-release.yml"));
    for (const kind of ["production by tags, with reviewers", "images that differ by environment, and no registry"])
      assert.ok(!names(kinds[kind] ?? input()).includes("shiplock-release.yml"), kind);
    assert.ok(
      !names(input({ environments: { one: environment(), two: environment() } })).includes("shiplock-release.yml"),
    );
  });
});

describe("the workflow of previews", () => {
  test("is made of no configuration yet", () => {
    for (const config of Object.values(kinds))
      assert.ok(workflows(config).every(({ name }) => !name.includes("preview")));
  });

  test("makes one for a pull request of this repository, takes it away when that is closed, and looks for those that nobody closed", async () => {
    const previews = { sweep: "0 * * * *", secrets: ["DATABASE_PASSWORD"], hosts: "ssh" } as const;
    const workflow = await read(workflows(input(), { previews }), "shiplock-preview.yml");
    assert.deepEqual(keysOf(at(workflow.tree, "on")), ["pull_request", "schedule", "workflow_dispatch"]);
    const [preview, sweep] = [job(workflow, "preview"), job(workflow, "sweep")];
    const pull = (action: string, from = "acme/shop") => ({
      github: {
        event_name: "pull_request",
        repository: "acme/shop",
        event: { action, pull_request: { number: 7, head: { sha: "c0ffee", repo: { full_name: from } } } },
      },
    });
    assert.equal(preview.runs(pull("opened")), true);
    assert.equal(preview.runs(pull("opened", "mallory/shop")), false);
    assert.equal(sweep.runs(pull("opened")), false);
    assert.equal(sweep.runs({ github: { event_name: "schedule", event: {} } }), true);
    const asked = (action: string) => textsOf(at(preview.steps.at(-1), "with"), pull(action));
    assert.equal(asked("synchronize")["action"], "update");
    assert.equal(asked("closed")["action"], "remove");
    assert.equal(textsOf(at(preview.tree, "concurrency"), pull("closed"))["group"], "shiplock-preview-7");
  });
});
