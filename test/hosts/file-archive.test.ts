import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { type ArchiveEntry, type ArchiveSource, readArchive, writeArchive } from "../../src/hosts/file-archive.ts";
import { hasCode } from "./contract.ts";

type Whole = ArchiveEntry & { text?: string };

async function bytesOf(entries: readonly ArchiveSource[]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeArchive(entries)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The bytes in pieces of a size, so that headers are cut in the middle. */
async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(source: AsyncIterable<Uint8Array>): Promise<Whole[]> {
  const found: Whole[] = [];
  for await (const { body, ...entry } of readArchive(source)) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    found.push(entry.kind === "file" ? { ...entry, text: Buffer.concat(chunks).toString("utf8") } : entry);
  }
  return found;
}

function file(path: string, text: string, mode = 0o644): ArchiveSource {
  const body = Buffer.from(text);
  return { kind: "file", path, mode, size: body.length, body };
}

const name = fc
  .array(
    fc.stringMatching(/^[a-zA-Zäß☃ ._-]{1,40}$/).filter((part) => part !== "." && part !== ".."),
    {
      minLength: 1,
      maxLength: 5,
    },
  )
  .map((parts) => parts.join("/"));
const entry: fc.Arbitrary<ArchiveSource> = fc.oneof(
  fc
    .record({ path: name, text: fc.string({ unit: "grapheme", maxLength: 1500 }), mode: fc.constantFrom(0o644, 0o755) })
    .map(({ path, text, mode }) => file(path, text, mode)),
  fc.record({ kind: fc.constant("folder" as const), path: name, mode: fc.constant(0o755) }),
  fc.record({ kind: fc.constant("link" as const), path: name, target: name }),
  fc.record({ kind: fc.constant("hard-link" as const), path: name, target: name }),
);

describe("an archive of files", () => {
  it("holds what was put in, whatever its names and sizes and however it is cut on the way", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 6 }), fc.integer({ min: 1, max: 1500 }), async (entries, size) => {
        const expected = entries.map(({ body, ...rest }) =>
          rest.kind === "file" ? { ...rest, text: Buffer.from(body as Uint8Array).toString("utf8") } : rest,
        );
        assert.deepEqual(await read(inPieces(await bytesOf(entries), size)), expected);
      }),
      { numRuns: 60 },
    );
  });

  it("is unpacked by tar, and what tar packs is read", async () => {
    const folder = mkdtempSync(join(tmpdir(), "shiplock-tar-"));
    try {
      const long = `${"deep/".repeat(30)}ä ☃.txt`;
      const archive = await bytesOf([
        file(long, "long"),
        file("run.sh", "#!", 0o755),
        { kind: "link", path: "to", target: long },
      ]);
      mkdirSync(join(folder, "out"));
      execFileSync("tar", ["-xf", "-", "-C", join(folder, "out")], { input: archive });
      assert.equal(readFileSync(join(folder, "out", long), "utf8"), "long");
      assert.equal(readlinkSync(join(folder, "out", "to")), long);
      assert.equal(lstatSync(join(folder, "out", "run.sh")).mode & 0o777, 0o755);

      mkdirSync(join(folder, "in", "x".repeat(120)), { recursive: true });
      writeFileSync(join(folder, "in", "x".repeat(120), "y".repeat(120)), "both");
      symlinkSync("z".repeat(150), join(folder, "in", "far"));
      for (const format of ["gnu", "posix"]) {
        const packed = execFileSync("tar", [`--format=${format}`, "-C", join(folder, "in"), "-cf", "-", "."]);
        const found = await read(inPieces(packed, 700));
        assert.ok(
          found.some((one) => one.path === `${"x".repeat(120)}/${"y".repeat(120)}` && one.text === "both"),
          format,
        );
        assert.ok(
          found.some((one) => one.kind === "link" && one.target === "z".repeat(150)),
          format,
        );
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("that is cut or is none is refused, and bodies nobody reads are skipped", async () => {
    const whole = await bytesOf([file("a", "x".repeat(2000)), file("b", "y")]);
    await assert.rejects(read(inPieces(whole.subarray(0, 1500), 100)), hasCode("archive/corrupt"));
    await assert.rejects(read(inPieces(whole.subarray(0, 2600), 100)), hasCode("archive/corrupt"));
    await assert.rejects(read(inPieces(Buffer.from("no archive ".repeat(100)), 100)), hasCode("archive/corrupt"));
    const names: string[] = [];
    for await (const { path } of readArchive(inPieces(whole, 100))) names.push(path);
    assert.deepEqual(names, ["a", "b"]);
  });

  it("is not made of a file that changes meanwhile", async () => {
    await assert.rejects(
      bytesOf([{ kind: "file", path: "a", mode: 0o644, size: 3, body: Buffer.from("four") }]),
      hasCode("archive/changed"),
    );
    await assert.rejects(
      bytesOf([{ kind: "file", path: "a", mode: 0o644, size: 3, body: Buffer.from("2!") }]),
      hasCode("archive/changed"),
    );
  });
});
