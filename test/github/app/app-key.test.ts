import assert from "node:assert/strict";
import { generateKeyPairSync, verify } from "node:crypto";
import { test } from "node:test";
import { readAppKey, signedAsApp } from "../../../src/github/app/app-key.ts";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

test("a key is read as GitHub hands it out, as others keep it, and as a variable holds it", () => {
  const pkcs1 = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
  const pkcs8 = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const now = new Date("2026-11-20T10:00:00Z");
  for (const written of [
    pkcs1,
    pkcs8,
    pkcs8.replaceAll("\n", String.raw`\n`),
    `\n${pkcs1}  `,
    pkcs1.replaceAll("\n", "\r\n"),
  ]) {
    const [head = "", body = "", signature = ""] = signedAsApp("7", readAppKey(written), now).split(".");
    assert.ok(verify("sha256", Buffer.from(`${head}.${body}`), publicKey, Buffer.from(signature, "base64url")));
    const { iat, exp, iss } = JSON.parse(Buffer.from(body, "base64url").toString()) as Record<string, number>;
    assert.deepEqual([iss, Number(iat) * 1_000 < now.getTime(), Number(exp) - Number(iat) <= 600], ["7", true, true]);
  }
});

test("a key that cannot be used says why, and nothing of itself", () => {
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const { privateKey: ec } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const table: readonly (readonly [string, RegExp])[] = [
    ["", /it is empty/],
    ["-----BEGIN RSA PRIVATE KEY-----", /its end is missing/],
    ["hunter2", /does not begin with/],
    [publicKey.export({ type: "spki", format: "pem" }).toString(), /a public key/],
    [ec.export({ type: "pkcs8", format: "pem" }).toString(), /no RSA key/],
    [
      privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }).toString(),
      /locked with a password/,
    ],
    [pem.replace(/\n[^\n]{60}/, "\n"), /part of it is missing/],
    ["-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----", /a key for SSH/],
  ];
  for (const [written, why] of table)
    assert.throws(
      () => readAppKey(written),
      (error: Error & { code: string }) => {
        assert.equal(error.code, "github/app-key");
        assert.match(error.message, why);
        for (const line of written.split("\n").filter((each) => each.length > 30 && !each.startsWith("-----")))
          assert.ok(!JSON.stringify({ ...error, message: error.message, stack: error.stack }).includes(line));
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
});
