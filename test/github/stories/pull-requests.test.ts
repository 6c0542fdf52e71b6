import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { JobRun, RunEnd } from "../runner/types.ts";
import { checkedProject, type Files } from "./files.ts";
import { createWorld, type World } from "./world.ts";

const token = "t0p-s3cret-value";

/** What a second check does with what the first one made, in two runs of a matrix. */
const page = {
  process: true,
  needs: ["unit"],
  matrix: { PAGE: ["home", "about"] },
  secrets: ["TOKEN"],
  run: 'cat made.txt; echo "token <$TOKEN>"; echo "page $PAGE"',
};

/** A project with checks that need no engine. Its image cannot be built here, so no pull request of it becomes green as a whole; the lab has that story. */
function project(...checks: readonly "page"[]): Files {
  return {
    ...checkedProject({
      images: { app: {} },
      services: { web: { image: "app", port: 3000, health: "/" } },
      checks: {
        unit: { process: true, run: "sh unit.sh", artifacts: ["made.txt"] },
        ...(checks.includes("page") ? { page } : {}),
      },
      environments: { staging: { on: { push: "main" }, target: { compose: { hosts: ["deploy@10.0.0.1"] } } } },
    }),
    "compose.yml": "services: { web: { image: app } }\n",
    "unit.sh": "echo made-by-unit > made.txt\n",
  };
}

async function worldOf(files: Files): Promise<World> {
  const machine = { DOCKER_HOST: "unix:///nonexistent/engine.sock" };
  return await createWorld({ files, machine, limitMs: 60_000, settings: { secrets: { TOKEN: token } } });
}

async function pullRequestEnds(world: World, after = 0): Promise<RunEnd> {
  const run = await world.run("pull-request", after);
  return await run.ended;
}

function job({ jobs }: RunEnd, name: string): JobRun {
  const found = jobs.find((each) => each.name === name);
  assert.ok(found !== undefined, `no job ${name} among ${jobs.map((each) => each.name).join(", ")}`);
  return found;
}

function temporary(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "story-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("checks of a pull request are jobs of their own, hand on what they made, and each is told beside the head's commit", async () => {
  await using world = await worldOf(project("page"));
  const head = await world.github.push("feature", { files: { "page.txt": "new" } });
  await world.github.openPullRequest({ head: "feature", by: "ada" });
  const end = await pullRequestEnds(world);
  const page = job(end, "page (PAGE=about)");
  assert.equal(page.result, "success", page.log());
  assert.match(page.log(), /made-by-unit/);
  assert.match(page.log(), /page about/);
  assert.doesNotMatch(page.rawLog().replace(`::add-mask::${token}`, ""), new RegExp(token));
  const told = world.github.world.checkRuns.filter(({ sha }) => sha === head);
  assert.deepEqual(told.map(({ name, conclusion }) => `${name}: ${conclusion}`).sort(), [
    "shiplock / page (PAGE=about): success",
    "shiplock / page (PAGE=home): success",
    "shiplock / unit: success",
  ]);
  world.github.assertFaithful();
});

test("a check that fails makes the required status red, and says so at the job", async () => {
  await using world = await worldOf(project("page"));
  await world.github.push("feature", { files: { "unit.sh": "echo not today; exit 7\n" } });
  await world.github.openPullRequest({ head: "feature", by: "ada" });
  const end = await pullRequestEnds(world);
  assert.equal(end.conclusion, "failure");
  assert.equal(job(end, "required checks").result, "failure");
  assert.deepEqual(
    job(end, "unit").annotations.map(({ level, message }) => `${level}: ${message}`),
    ["error: it ended with exit code 7"],
  );
  assert.equal(
    end.jobs.some(({ name }) => name.startsWith("page")),
    false,
    "what needs it does not run",
  );
  assert.match(job(end, "unit").summary(), /unit \| ❌ failed/);
});

test("a fork's pull request is checked without a secret, and with a token that can write nothing", async () => {
  await using world = await worldOf(project("page"));
  const steal = 'echo made > made.txt; echo "got <$TOKEN>"; env | grep -c s3cret || true\n';
  await world.github.openPullRequest({ head: "patch", by: "eve", fork: { files: { "unit.sh": steal } } });
  const end = await pullRequestEnds(world);
  for (const each of end.jobs) {
    assert.deepEqual(
      Object.values(each.permissions).filter((right) => right === "write"),
      [],
      each.name,
    );
    assert.doesNotMatch(each.rawLog(), new RegExp(token), each.name);
  }
  assert.equal(job(end, "unit").result, "success", job(end, "unit").log());
  assert.match(job(end, "unit").log(), /got <>/);
  assert.deepEqual(world.github.world.checkRuns, []);
  // A check that cannot do without its secret says which one it lacks.
  assert.equal(job(end, "page (PAGE=home)").result, "failure");
  assert.match(job(end, "page (PAGE=home)").log(), /TOKEN/);
});

test("a newer push to a pull request ends the checks of the older one, and nothing of them runs on", async (context) => {
  const folder = temporary(context);
  const go = join(folder, "go");
  const wait = `echo waiting; while [ ! -e ${go} ]; do sleep 0.05; done; echo made > made.txt\n`;
  await using world = await worldOf(project());
  await world.github.push("feature", { files: { "unit.sh": wait } });
  await world.github.openPullRequest({ head: "feature", by: "ada" });
  const first = await world.run("pull-request", 0);
  const waiting = await first.logged("unit", /waiting/);
  await world.github.push("feature", { files: { "more.txt": "" } });
  const second = await world.run("pull-request", 1);
  assert.equal((await first.ended).conclusion === "success", false);
  assert.equal(waiting.result, "cancelled");
  assert.deepEqual(waiting.leftRunning, []);
  writeFileSync(go, "");
  const end = await second.ended;
  assert.equal(job(end, "unit").result, "success", job(end, "unit").log());
});

test("a branch with quotes and a command in its name is checked like any other, and nothing of the name is executed", async (context) => {
  const folder = temporary(context);
  const command = `touch\${IFS}${folder}/pwned`;
  const name = `it's-"$(${command})"\`${command}\`;${command}|x&\${{github.token}}';${command};'`;
  await using world = await worldOf(project());
  await world.github.push(name, { message: `"'$(touch ${folder}/pwned)' ::error::no`, by: "ada" });
  await world.github.openPullRequest({ head: name, title: `"$(touch ${folder}/pwned)`, by: "ada" });
  const end = await pullRequestEnds(world);
  assert.equal(job(end, "unit").result, "success", job(end, "unit").log());
  assert.deepEqual(readdirSync(folder), []);
});

test("what a check prints is text: none of it becomes an annotation, a mask or a command of the run", async () => {
  const hostile = [
    "echo made > made.txt",
    "echo '::error file=unit.sh,line=1::forged'",
    "echo '##[error]forged too'",
    "echo '  ::add-mask::made'",
    "echo '::stop-commands::never'",
    "echo '::set-output name=result::forged'",
    `printf 'one\\r::warning::forged\\r\\n'`,
    "echo made it",
    "",
  ];
  await using world = await worldOf(project());
  await world.github.push("feature", { files: { "unit.sh": hostile.join("\n") } });
  await world.github.openPullRequest({ head: "feature", by: "ada" });
  const unit = job(await pullRequestEnds(world), "unit");
  assert.equal(unit.result, "success", unit.log());
  assert.deepEqual(unit.annotations, []);
  assert.match(unit.log(), /│ made it/);
});
