import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { setTimeout } from "node:timers/promises";
import { describe, it } from "node:test";
import { ShiplockError } from "../../src/errors.ts";
import { readArchive } from "../../src/hosts/docker-images.ts";
import { waitFor } from "../lab/process.ts";
import { withEngine } from "./answering-engine.ts";
import { collected, hasCode } from "./contract.ts";

/** 100 MB that count how much of them was wanted, and whether they were let go. */
function largeArchive() {
  const seen = { bytes: 0, closed: false };
  async function* archive(): AsyncGenerator<Uint8Array> {
    try {
      for (let piece = 0; piece < 1600; piece += 1) {
        seen.bytes += 65_536;
        yield new Uint8Array(65_536);
      }
    } finally {
      seen.closed = true;
    }
  }
  return { seen, archive: archive() };
}

const closed = (seen: { closed: boolean }) =>
  waitFor("the archive to be let go", () => seen.closed, { timeoutMs: 5_000, everyMs: 5 });

describe("an archive on its way into an engine", () => {
  it("is read no faster than the engine takes it, and let go when the deployment is cancelled", async () => {
    const controller = new AbortController();
    await withEngine(
      (request) => void request.once("readable", () => undefined),
      async (engine) => {
        const { seen, archive } = largeArchive();
        const loading = engine.loadImages(archive, { signal: controller.signal });
        let before = -1;
        await waitFor("reading to stop", () => before === (before = seen.bytes) && before > 0, {
          timeoutMs: 10_000,
          everyMs: 50,
        });
        assert.ok(seen.bytes < 10_000_000, `${seen.bytes} bytes were read ahead`);
        controller.abort("enough");
        await assert.rejects(loading, hasCode("host/cancelled"));
        await closed(seen);
      },
    );
  });

  it("is let go when the engine refuses it before its end, in the engine's words", async () => {
    await withEngine(
      (request, response) => {
        request.once("data", () => {
          request.pause();
          response.writeHead(500, { "Content-Type": "application/json", Connection: "close" });
          response.end(JSON.stringify({ message: "write /var/lib/docker/tmp/x: no space left on device" }));
        });
      },
      async (engine) => {
        const { seen, archive } = largeArchive();
        await assert.rejects(engine.loadImages(archive), hasCode("engine/no-space"));
        await closed(seen);
      },
    );
  });

  it("that the engine took and could not use is no success, nor is an answer that is cut", async () => {
    const lost = { errorDetail: { message: "open x/layer.tar: no such file or directory" } };
    await withEngine(
      (request, response) => void request.resume().once("end", () => response.end(`${JSON.stringify(lost)}\n`)),
      (engine) => assert.rejects(engine.loadImages(pieces(3)), { message: /no such file or directory/ }),
    );
    await withEngine(
      (request, response) =>
        void request.resume().once("end", () => {
          response.writeHead(200, { "Content-Length": 100 });
          response.write('{"stream":"Loaded"}\n', () => response.destroy());
        }),
      (engine) => assert.rejects(engine.loadImages(pieces(3)), hasCode("engine/stream-cut")),
    );
  });

  it("that breaks off is told with its own reason, and its beginning is never taken for all of it", async () => {
    let ended = false;
    await withEngine(
      (request) => void request.resume().once("end", () => (ended = true)),
      async (engine) => {
        async function* broken() {
          yield* pieces(2);
          throw new ShiplockError({ code: "archive/corrupt", message: "the source is not whole" });
        }
        await assert.rejects(engine.loadImages(broken()), hasCode("archive/corrupt"));
      },
    );
    assert.equal(ended, false, "the engine saw an archive that seemed to be complete");
  });
});

describe("an archive on its way out of an engine", () => {
  it("that is cut is no end", async () => {
    await withEngine(
      (_, response) => {
        response.writeHead(200, { "Content-Length": 100_000 });
        response.write(Buffer.alloc(5_000), () => response.destroy());
      },
      (engine) => assert.rejects(collected(engine.saveImages(["sha256:a"])), hasCode("engine/stream-cut")),
    );
  });

  it("is asked for by ids alone, all of them in one request", async () => {
    const asked: string[] = [];
    await withEngine(
      (request, response) => {
        asked.push(request.url ?? "");
        response.end("archive");
      },
      async (engine) => {
        assert.equal((await collected(engine.saveImages(["sha256:a", "sha256:b"]))).toString(), "archive");
        assert.deepEqual(asked, ["/v1.41/images/get?names=sha256%3Aa&names=sha256%3Ab"]);
      },
    );
  });
});

async function* pieces(count: number): AsyncGenerator<Uint8Array> {
  for (let piece = 0; piece < count; piece += 1) yield new Uint8Array(1000);
}

describe("an engine that stops giving", () => {
  it("is given up after a time without a piece, which a slow reader does not count towards", async () => {
    const archive = new PassThrough();
    const pieces = readArchive("one", archive, undefined, 50);
    archive.write("first");
    assert.equal(String((await pieces.next()).value), "first");
    archive.write("second");
    // Longer than the engine may take.
    await setTimeout(120);
    assert.equal(String((await pieces.next()).value), "second");
    await assert.rejects(pieces.next(), {
      code: "engine/timeout",
      message: /gave nothing more of an image for 0.05 s/,
    });
    assert.ok(archive.destroyed);
  });
});
