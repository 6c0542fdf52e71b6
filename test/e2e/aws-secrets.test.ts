import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import type { SecretProvider } from "../../src/secrets/provider.ts";
import { providerOf } from "../../src/secrets/providers/table.ts";
import { type Moto, motoMissing, startMoto } from "../lab/moto.ts";
import { providerContract } from "../secrets/provider-contract.ts";

const region = "eu-central-1";
const planted = "pl4nted-Valu3";
const place = { region, role: undefined };
const { signal } = new AbortController();

describe("secrets in AWS", { skip: motoMissing() ?? false }, () => {
  let moto: Moto;
  const env = () => ({ AWS_ENDPOINT_URL: moto.endpoint });
  const client = () => ({ region, endpoint: moto.endpoint });
  const unreachable = { AWS_ENDPOINT_URL: "http://127.0.0.1:1" };

  before(async () => {
    // What the SDK looks for by itself; never this machine's own.
    Object.assign(process.env, {
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_CONFIG_FILE: "/nowhere",
      AWS_SHARED_CREDENTIALS_FILE: "/nowhere",
    });
    withKeys();
    moto = await startMoto();
  });
  after(() => moto.end());

  async function storeSecret(name: string, value: string): Promise<void> {
    const manager = new SecretsManagerClient(client());
    await manager.send(new CreateSecretCommand({ Name: name, SecretString: value }));
    manager.destroy();
  }

  /** Values that AWS itself would not take are not stored. */
  async function storeEach(prefix: string, secrets: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, value] of Object.entries(secrets)) if (value !== "") await storeSecret(`${prefix}${name}`, value);
  }

  async function storeParameters(prefix: string, secrets: Readonly<Record<string, string>>): Promise<void> {
    const ssm = new SSMClient(client());
    for (const [name, value] of Object.entries(secrets))
      if (value !== "")
        await ssm.send(new PutParameterCommand({ Name: `${prefix}${name}`, Value: value, Type: "SecureString" }));
    ssm.destroy();
  }

  const managed = (secret: string, environment = env()): SecretProvider =>
    providerOf({ kind: "aws-secrets-manager", secret, prefix: undefined, ...place }, environment);

  providerContract("one secret of AWS Secrets Manager", {
    holding: async (_context, secrets) => {
      const secret = `shop/${randomUUID()}`;
      await storeSecret(secret, JSON.stringify(secrets));
      return managed(secret);
    },
    failing: async () => managed("shop/not-there"),
    keepsEmpty: true,
    knowsTimes: true,
  });

  providerContract("AWS Secrets Manager, one secret each", {
    holding: async (_context, secrets) => {
      const prefix = `shop/${randomUUID()}/`;
      await storeEach(prefix, secrets);
      return providerOf({ kind: "aws-secrets-manager", secret: undefined, prefix, ...place }, env());
    },
    failing: async () =>
      providerOf({ kind: "aws-secrets-manager", secret: undefined, prefix: "shop/", ...place }, unreachable),
    keepsEmpty: false,
    knowsTimes: true,
  });

  providerContract("AWS SSM", {
    holding: async (_context, secrets) => {
      const prefix = `/shop/${randomUUID()}/`;
      await storeParameters(prefix, secrets);
      return providerOf({ kind: "aws-ssm", prefix, ...place }, env());
    },
    failing: async () => providerOf({ kind: "aws-ssm", prefix: "/shop/", ...place }, unreachable),
    keepsEmpty: false,
    knowsTimes: true,
  });

  it("more parameters than AWS answers at once are all found", async () => {
    const prefix = `/many/${randomUUID()}/`;
    const secrets = Object.fromEntries(Array.from({ length: 23 }, (_, at) => [`S${at}`, `v${at}`]));
    await storeParameters(prefix, secrets);
    const provider = providerOf({ kind: "aws-ssm", prefix, ...place }, env());
    const answers = await provider.read([...Object.keys(secrets), "ABSENT"], signal);
    assert.equal(answers.size, 23);
  });

  it("a secret that is no JSON object is an error that does not quote it, and what is no text in one is not taken for it", async () => {
    await storeSecret("shop/plain", planted);
    await assert.rejects(managed("shop/plain").read(["A"], signal), (error: Error) => {
      assert.match(error.message, /AWS Secrets Manager shop\/plain.*no JSON object/);
      assert.doesNotMatch(error.message, /pl4nted/);
      return true;
    });
    await storeSecret("shop/mixed", JSON.stringify({ NUMBER: 8080, LIST: [planted] }));
    const answers = await managed("shop/mixed").read(["NUMBER", "LIST"], signal);
    assert.deepEqual(
      [...answers.values()].map((answer) => (answer.kind === "value" ? answer.value : answer.said)),
      ["8080", "its value is neither text nor a number"],
    );
  });

  it("no credentials is an error that says what to do", async () => {
    await withoutKeys(async () => {
      await assert.rejects(managed("shop/any").read(["A"], signal), {
        code: "secrets/provider-failed",
        remedy: /sign in to AWS, or name a role/,
      });
    });
  });

  it("a role is taken on with GitHub's OIDC token, made out to AWS, and with no stored key", async (context) => {
    await storeSecret("shop/oidc", JSON.stringify({ TOKEN: planted }));
    const asked: { url: string; authorization: string | undefined }[] = [];
    const github = await startGitHub(context, asked);
    const provider = withRole({
      ...env(),
      ACTIONS_ID_TOKEN_REQUEST_URL: `${github}/token?api-version=2`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "run-t0ken",
    });
    await withoutKeys(async () => {
      const answers = await provider.read(["TOKEN"], signal);
      assert.equal(answers.get("TOKEN")?.kind, "value");
    });
    assert.deepEqual(asked, [
      { url: "/token?api-version=2&audience=sts.amazonaws.com", authorization: "Bearer run-t0ken" },
    ]);
  });

  it("a role is taken on with the token of a file, and without any token the SDK's own way is gone", async (context) => {
    await storeSecret("shop/file", JSON.stringify({ TOKEN: planted }));
    const folder = await mkdtemp(join(tmpdir(), "shiplock-oidc-"));
    context.after(() => rm(folder, { recursive: true }));
    const file = join(folder, "token");
    await writeFile(file, `${unsignedToken()}\n`);
    await withoutKeys(async () => {
      const provider = withRole({ ...env(), AWS_WEB_IDENTITY_TOKEN_FILE: file }, "shop/file");
      assert.equal((await provider.read(["TOKEN"], signal)).size, 1);
      await assert.rejects(withRole(env(), "shop/file").read(["TOKEN"], signal), { code: "secrets/provider-failed" });
    });
    assert.equal((await withRole(env(), "shop/file").read(["TOKEN"], signal)).size, 1);
  });
});

function withRole(env: Readonly<Record<string, string>>, secret = "shop/oidc"): SecretProvider {
  const role = "arn:aws:iam::123456789012:role/deploy";
  return providerOf({ kind: "aws-secrets-manager", secret, prefix: undefined, region, role }, env);
}

function withKeys(): void {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: "testing", AWS_SECRET_ACCESS_KEY: "testing" });
}

/** Runs something as on a machine that has no credentials of AWS. */
async function withoutKeys(work: () => Promise<void>): Promise<void> {
  delete process.env["AWS_ACCESS_KEY_ID"];
  delete process.env["AWS_SECRET_ACCESS_KEY"];
  try {
    await work();
  } finally {
    withKeys();
  }
}

/** What GitHub gives a job that may have OIDC tokens. */
async function startGitHub(
  context: TestContext,
  asked: { url: string; authorization: string | undefined }[],
): Promise<string> {
  const { createServer } = await import("node:http");
  const server = createServer((request, response) => {
    asked.push({ url: request.url ?? "", authorization: request.headers.authorization });
    response.setHeader("content-type", "application/json").end(JSON.stringify({ value: unsignedToken() }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? (address?.port ?? 0) : 0}`;
}

function unsignedToken(): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part({ sub: "repo:acme/shop", aud: "sts.amazonaws.com" })}.x`;
}
