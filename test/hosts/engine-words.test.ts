import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { splitReference } from "../../src/hosts/docker-images.ts";
import { demultiplex, linesOf } from "../../src/hosts/docker-streams.ts";
import { engineRefusal } from "../../src/hosts/engine-refusal.ts";
import { diagnoseConnect } from "../../src/hosts/ssh-diagnosis.ts";

function frame(stream: number, text: string): Buffer {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

async function* inPieces(whole: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size);
}

describe("what the engine says is understood", () => {
  it("lines of both streams come out whole, however the engine's frames were cut on the way", async () => {
    const whole = Buffer.concat([frame(1, "grü"), frame(2, "err\n"), frame(1, "ß\r\nlast")]);
    for (const size of [1, 3, 1000]) {
      const lines = [];
      for await (const { stream, line } of linesOf(demultiplex(inPieces(whole, size)))) lines.push(`${stream} ${line}`);
      assert.deepEqual(lines, ["stderr err", "stdout grüß", "stdout last"]);
    }
  });

  it("a stream that ends inside of a frame is an error, not an end", async () => {
    const cut = frame(1, "hello\n").subarray(0, 10);
    await assert.rejects(async () => {
      for await (const frameOfIt of demultiplex(inPieces(cut, 4))) assert.ok(frameOfIt);
    }, /inside of a frame/);
  });

  it("a reference is split at its tag or digest, and a port is no tag", () => {
    assert.deepEqual(splitReference("app"), { name: "app", tag: "latest" });
    assert.deepEqual(splitReference("registry.test:5000/a/app"), { name: "registry.test:5000/a/app", tag: "latest" });
    assert.deepEqual(splitReference("registry.test:5000/app:1"), { name: "registry.test:5000/app", tag: "1" });
    assert.deepEqual(splitReference("registry.test:5000/app:1@sha256:ab"), {
      name: "registry.test:5000/app",
      tag: "sha256:ab",
    });
  });

  it("a refusal has a code for its cause, also where the engine only has words for it", () => {
    const codeOf = (request: string, status: number, words: string) =>
      engineRefusal("one", request, status, words).code;
    const pull = "POST /images/create x";
    assert.equal(codeOf(pull, 500, "write /var/lib/docker/tmp/x: no space left on device"), "engine/no-space");
    assert.equal(codeOf(pull, 500, "Get https://r/v2/: unauthorized: authentication required"), "engine/registry-auth");
    assert.equal(
      codeOf(pull, 404, "manifest for r/app:1 not found: manifest unknown: manifest unknown"),
      "engine/image-missing",
    );
    assert.equal(
      codeOf(pull, 500, "Get https://r/v2/: dial tcp 10.0.0.1:5000: connect: connection refused"),
      "engine/registry-unreachable",
    );
    assert.equal(
      codeOf("POST /containers/a/start", 500, "Bind for 0.0.0.0:80 failed: port is already allocated"),
      "engine/port-taken",
    );
    assert.equal(codeOf("POST /containers/a/start", 404, "No such container: a"), "engine/not-found");
    assert.equal(codeOf("POST /containers/a/exec", 409, "Container a is not running"), "engine/conflict");
    assert.equal(
      codeOf("POST /containers/a/start", 500, "OCI runtime create failed: exec: x: not found"),
      "engine/failed",
    );
  });

  it("what ssh says becomes a code and a remedy", () => {
    const codeOf = (stderr: string) =>
      diagnoseConnect({ name: "one", destination: "deploy@one", stderr, exitCode: 255 }).code;
    assert.equal(codeOf("deploy@one: Permission denied (publickey)."), "ssh/auth");
    assert.equal(
      codeOf("@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\nHost key verification failed."),
      "ssh/host-key",
    );
    assert.equal(codeOf("ssh: connect to host one port 22: Connection timed out"), "ssh/unreachable");
    assert.equal(codeOf("ssh: connect to host one port 22: No route to host"), "ssh/unreachable");
    assert.equal(codeOf("kex_exchange_identification: Connection closed by remote host"), "ssh/unreachable");
    assert.equal(codeOf("/home/a/.ssh/config: line 1: Bad configuration option: x"), "ssh/config");
    assert.equal(codeOf("This account is currently not available."), "host/agent-failed");
  });
});
