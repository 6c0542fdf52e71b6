import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { createOutput, type Output } from "../../src/cli/output.ts";
import { createSecretMemory } from "../../src/cli/secret-memory.ts";
import { attemptSecrets, demandSecrets, demandTogether, ownerOf, type SecretContext } from "../../src/cli/secrets.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { Config } from "../../src/config/types.ts";

describe("secrets from the environment", () => {
  it("all that are missing or empty are named at once, and nothing else is given away", async (context) => {
    const { config, command } = await project(context, { env: { A: "1", B: "", C: "value-of-c" } });
    const owner = ownerOf(config, "production");
    assert.deepEqual(await demandSecrets(command, owner, ["A"], "production"), { A: "1" });
    await assert.rejects(demandSecrets(command, owner, ["A", "B", "C", "D"], "production"), (error: Error) => {
      assert.match(error.message, /production needs the secrets B, D/);
      assert.doesNotMatch(JSON.stringify(error), /value-of-c/);
      return true;
    });
  });

  it("that an environment and its registry lack are told in one error", async (context) => {
    const { config, command } = await project(context, { env: {} });
    const wanted = demandTogether(command, [
      { owner: ownerOf(config, "production"), names: ["A", "B"], who: "production" },
      { owner: ownerOf(config, null), names: ["REGISTRY_PASSWORD"], who: "the registry" },
    ]);
    await assert.rejects(wanted, {
      code: "secrets/missing",
      message: /production needs the secrets A, B, .*; the registry needs the secret REGISTRY_PASSWORD/,
      details: [
        "A: not in the process environment",
        "B: not in the process environment",
        "REGISTRY_PASSWORD: not in the process environment",
      ],
      remedy: "set them as environment variables of the command; nothing was touched",
    });
  });
});

describe("secrets over the levels", () => {
  const configured = {
    project: "secrets: { providers: [{ dotenv: project.env }] }",
    environment: "secrets: { names: [A, B, C], providers: [{ dotenv: production.env }] }",
    organization:
      "secrets: { providers: [env, { dotenv: shared.env }], maxAge: 90d }\nvariables: { REGION: eu, TIER: free }\n",
    files: {
      "production.env": "A=production\n",
      "project.env": "A=project\nB=project\n",
      "org/shared.env": "A=org\nB=org\nC=org\n",
    },
  };

  it("the environment's comes before the project's, and that before the organization's, whose paths start at its own file", async (context) => {
    const { config, command } = await project(context, { ...configured, env: {} });
    const values = await demandSecrets(command, ownerOf(config, "production"), ["A", "B", "C"], "production");
    assert.deepEqual(values, { A: "production", B: "project", C: "org" });
    assert.deepEqual(await demandSecrets(command, ownerOf(config, null), ["A"], "a check"), { A: "project" });
    const others = await demandSecrets(command, ownerOf(config, "staging"), ["A"], "staging");
    assert.deepEqual(others, { A: "project" });
  });

  it("a variable of the command is asked only where env is written, so it does not win over a file by itself", async (context) => {
    const { config, command } = await project(context, { ...configured, env: { A: "shell", C: "shell" } });
    const values = await demandSecrets(command, ownerOf(config, "production"), ["A", "C"], "production");
    assert.deepEqual(values, { A: "production", C: "shell" });
  });

  it("the oldest that a value may be is that of the narrowest level that says it", async (context) => {
    const { config } = await project(context, configured);
    assert.equal(config.environments["production"]?.secrets.maxAgeMs, 90 * 86_400_000);
    const own = { ...configured, environment: "secrets: { names: [A], maxAge: 7d }" };
    const { config: narrower } = await project(context, own);
    assert.equal(narrower.environments["production"]?.secrets.maxAgeMs, 7 * 86_400_000);
  });

  it("variables come from the environment, over the project, over the organization, and a secret's name is no variable", async (context) => {
    const { config } = await project(context, {
      ...configured,
      project: "variables: { TIER: paid, B: project }",
      environment: "variables: { LOCAL: x }\n    secrets: [B]",
    });
    assert.deepEqual(config.environments["production"]?.variables, { REGION: "eu", TIER: "paid", LOCAL: "x" });
    assert.deepEqual(config.environments["staging"]?.variables, { REGION: "eu", TIER: "paid", B: "project" });
  });

  it("a file of the organization that is not there, or says something else, is an error at its place", async (context) => {
    const missing = project(context, { project: "organization: nowhere.yml" });
    await assert.rejects(missing, { code: "config/organization-missing", message: /nowhere\.yml/ });
    const wrong = project(context, { organization: "secrets:\n  provider: [env]\nproject: x\n" });
    await assert.rejects(wrong, (error: Error & { details?: string[] }) => {
      assert.match(
        error.details?.join("\n") ?? "",
        /organization\.yml:2:3: secrets\.provider: unknown key \(did you mean "providers"\?\)/,
      );
      assert.match(
        error.details?.join("\n") ?? "",
        /organization\.yml:3:1: project: unknown key; an organization has variables and secrets/,
      );
      return true;
    });
  });
});

it("every secret is read once in a command, masked from then on, and told by name to the record with its provider and environment", async (context) => {
  const { config, command, output, folder } = await project(context, {
    project: "secrets: { providers: [{ dotenv: project.env }] }",
    files: { "project.env": "A=pl4nted-Valu3\nB=other-Valu3\n" },
  });
  const owner = ownerOf(config, "production");
  await demandSecrets(command, owner, ["A"], "production");
  await rm(join(folder, "project.env"));
  assert.deepEqual(await demandSecrets(command, owner, ["A"], "production"), { A: "pl4nted-Valu3" });
  const reads = command.secrets?.reads ?? [];
  assert.deepEqual(reads[0], { names: ["A"], provider: "dotenv file project.env", environment: "production" });
  assert.equal(output.mask("say pl4nted-Valu3"), "say ***");
  assert.doesNotMatch(JSON.stringify(reads), /Valu3/);
});

it("a provider that fails is an error with its name, and never passed over for a broader one", async (context) => {
  const { config, command } = await project(context, {
    project: "secrets: { providers: [{ dotenv: gone.env }, env] }",
    env: { A: "shell" },
  });
  const wanted = demandSecrets(command, ownerOf(config, null), ["A"], "a check");
  await assert.rejects(wanted, {
    code: "secrets/provider-failed",
    message: /dotenv file gone\.env.*there is no such file/,
  });
});

it("who can go on without secrets is told of a provider that fails, once, and goes on", async (context) => {
  const { config, command, said } = await project(context, {
    project: "secrets: { providers: [{ dotenv: gone.env }] }",
  });
  for (let time = 0; time < 2; time += 1) {
    const found = await attemptSecrets(command, ownerOf(config, null), ["A"], "its values are not masked");
    assert.equal(found.size, 0);
  }
  assert.equal(said.length, 1);
  assert.match(said[0] ?? "", /warning: dotenv file gone\.env.*; its values are not masked/);
});

it("who can go on without secrets is told, once, of one that a provider cannot say anything of", async (context) => {
  const { config, command, said } = await project(context, {
    project: "secrets: { providers: [{ command: [sh, -c, 'echo locked >&2; exit 5', '{name}'] }] }",
    env: { PATH: process.env["PATH"] ?? "" },
  });
  for (let time = 0; time < 2; time += 1)
    assert.equal((await attemptSecrets(command, ownerOf(config, null), ["A"], "its values are shown")).size, 0);
  assert.equal(said.length, 1);
  assert.match(said[0] ?? "", /warning: A: command sh .*: exit code 5: locked; its values are shown/);
});

type Written = {
  project?: string;
  environment?: string;
  organization?: string;
  files?: Readonly<Record<string, string>>;
  env?: Readonly<Record<string, string>>;
};

/** A project with two environments, and a command that runs in it. */
async function project(
  context: TestContext,
  written: Written,
): Promise<{ config: Config; command: SecretContext; output: Output; said: string[]; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "shiplock-levels-"));
  context.after(() => rm(folder, { recursive: true }));
  const files: Record<string, string> = { ...written.files };
  if (written.organization !== undefined) files["org/organization.yml"] = written.organization;
  const text = `
project: shop
${written.organization === undefined ? "" : "organization: org/organization.yml"}
${written.project ?? ""}
images: { web: {} }
services: { web: { image: web, port: 80, health: / } }
environments:
  production:
    target: { compose: { hosts: [box] } }
    ${written.environment ?? ""}
  staging:
    target: { compose: { hosts: [other] } }
`;
  await writeFiles(folder, { ...files, "shiplock.yml": text });
  const env = written.env ?? {};
  const config = await loadConfig({ cwd: folder, readFile: (path) => readFile(path, "utf8"), env });
  const said: string[] = [];
  const stream = { write: (line: string) => said.push(line) };
  const output = createOutput({ json: undefined, stdout: stream, stderr: stream, environment: {} });
  const secrets = createSecretMemory();
  return { config, command: { env, output, signal: new AbortController().signal, secrets }, output, said, folder };
}

async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(join(folder, "org"), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}
