import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { chainIds, describeArchive, layersNotNeeded, withoutFiles } from "../../src/hosts/image-archive.ts";
import { readTar } from "../../src/hosts/tar.ts";
import { endOfTar, tarEntry } from "../../src/hosts/tar-write.ts";
import { run } from "../lab/process.ts";
import { collected, hasCode } from "./contract.ts";

const hex = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Gives bytes in pieces of these lengths, the last one again and again. */
async function* inPieces(bytes: Uint8Array, lengths: readonly number[] = [65_536]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let index = 0; at < bytes.length; index += 1) {
    const length = lengths[Math.min(index, lengths.length - 1)] ?? 1;
    yield bytes.subarray(at, at + length);
    at += length;
  }
}

const anyLengths = fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 1, maxLength: 5 });
const anyLayers = fc.uniqueArray(fc.string({ maxLength: 700 }), { minLength: 1, maxLength: 7 });

type Layout = "older" | "oci";

function entriesOf(layers: readonly string[], layout: Layout): { path: string; bytes: Buffer }[] {
  const paths = layers.map((layer) => (layout === "oci" ? `blobs/sha256/${hex(layer)}` : `${hex(layer)}/layer.tar`));
  const config = layout === "oci" ? `blobs/sha256/${hex("config")}` : `${hex("config")}.json`;
  const manifest = JSON.stringify([{ Config: config, RepoTags: null, Layers: paths }]);
  const files: [string, string][] = [
    ...layers.map((layer, index): [string, string] => [paths[index] ?? "", layer]),
    [config, "{}"],
    ["manifest.json", manifest],
  ];
  return files.map(([path, content]) => ({ path, bytes: tarEntry(path, content) }));
}

const archiveOf = (entries: readonly { bytes: Buffer }[]): Buffer =>
  Buffer.concat([...entries.map(({ bytes }) => bytes), endOfTar]);

describe("the archive of an image", () => {
  it("without any choice of its layers is exactly the rest, byte for byte, however it arrives", async () => {
    await fc.assert(
      fc.asyncProperty(
        anyLayers,
        fc.constantFrom<Layout>("older", "oci"),
        fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
        anyLengths,
        async (layers, layout, chosen, lengths) => {
          const entries = entriesOf(layers, layout);
          const leftOut = new Set(
            entries.filter((_, index) => index < layers.length && chosen[index]).map((e) => e.path),
          );
          const given = await collected(withoutFiles(inPieces(archiveOf(entries), lengths), leftOut));
          assert.ok(given.equals(archiveOf(entries.filter(({ path }) => !leftOut.has(path)))));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("tells its configuration and its layers with their sizes, in both layouts", async () => {
    for (const layout of ["older", "oci"] as const) {
      const layers = ["one", "and two"];
      const entries = entriesOf(layers, layout);
      const described = await describeArchive(inPieces(archiveOf(entries)));
      assert.equal(described.config, `sha256:${hex("config")}`);
      assert.deepEqual(
        described.layers,
        entries.slice(0, 2).map(({ path }, index) => ({ path, bytes: layers[index]?.length })),
      );
    }
  });

  it("that is cut anywhere is refused", async () => {
    const whole = archiveOf(entriesOf(["first layer", "second"], "older"));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length - endOfTar.length }), async (length) => {
        await assert.rejects(
          collected(withoutFiles(inPieces(whole.subarray(0, length)), new Set())),
          hasCode("archive/corrupt"),
        );
      }),
    );
  });

  it("whose header was changed in any byte is refused, and so is one that goes on after its end", async () => {
    const whole = archiveOf(entriesOf(["first layer"], "older"));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 511 }), async (at) => {
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ 0x01;
        await assert.rejects(collected(withoutFiles(inPieces(changed), new Set())), hasCode("archive/corrupt"));
      }),
      { numRuns: 60 },
    );
    const longer = Buffer.concat([whole, Buffer.from("more")]);
    await assert.rejects(collected(withoutFiles(inPieces(longer), new Set())), hasCode("archive/corrupt"));
  });

  it("that holds no image, or two, is refused", async () => {
    const none = Buffer.concat([tarEntry("manifest.json", "[]"), endOfTar]);
    await assert.rejects(describeArchive(inPieces(none)), hasCode("archive/not-one-image"));
    const image = { Config: `${hex("c")}.json`, Layers: [] };
    const two = Buffer.concat([tarEntry("manifest.json", JSON.stringify([image, image])), endOfTar]);
    await assert.rejects(describeArchive(inPieces(two)), hasCode("archive/not-one-image"));
    const rubbish = Buffer.concat([tarEntry("manifest.json", "{nothing"), endOfTar]);
    await assert.rejects(describeArchive(inPieces(rubbish)), hasCode("archive/not-one-image"));
  });

  it("written by tar, with names too long for a header and a file of many bytes, is read as it is", async () => {
    const name = `${"folder-with-a-name/".repeat(9)}${"n".repeat(120)}`;
    for (const format of ["pax", "gnu", "ustar"]) {
      const names = format === "ustar" ? [`${"a".repeat(60)}/${"b".repeat(80)}`] : [name];
      const script =
        'd=$(mktemp -d); cd "$d"; mkdir -p "$(dirname "$2")"; head -c 70000 /dev/zero >"$2"; tar --format="$1" -cf - .; rm -r "$d"';
      const { stdout, code } = await run(["sh", "-c", `{ ${script}; } | base64 -w0`, "sh", format, names[0] ?? ""]);
      assert.equal(code, 0);
      const bytes = Buffer.from(stdout, "base64");
      const found: { path: string; size: number }[] = [];
      for await (const part of readTar(inPieces(bytes, [700]))) if (part.kind === "entry") found.push(part);
      assert.deepEqual(
        found.filter((entry) => entry.size > 0).map(({ path, size }) => [path, size]),
        [[names[0], 70_000]],
        format,
      );
      assert.ok((await collected(withoutFiles(inPieces(bytes, [700]), new Set()))).equals(bytes));
      assert.ok((await collected(withoutFiles(inPieces(bytes), new Set(names)))).length < bytes.length - 70_000);
    }
  });
});

describe("the layers that a host has", () => {
  const archived = (count: number) => Array.from({ length: count }, (_, index) => ({ path: `${index}`, bytes: 1 }));

  it("are left out from the lowest up to the first that differs", () => {
    const there = new Set(chainIds(["a", "b", "x"]));
    assert.deepEqual([...layersNotNeeded(["a", "b", "c"], archived(3), there)], ["0", "1"]);
    assert.deepEqual([...layersNotNeeded(["b", "a"], archived(2), there)], []);
  });

  it("never lack what an engine would open: of any two images, all above the layers they share travels", () => {
    const layers = fc.array(fc.constantFrom("a", "b", "empty"), { maxLength: 6 });
    fc.assert(
      fc.property(layers, layers, (image, other) => {
        const there = new Set(chainIds(other));
        const leftOut = layersNotNeeded(image, archived(image.length), there);
        let shared = 0;
        while (shared < image.length && image[shared] === other[shared]) shared += 1;
        const opened = new Set(image.slice(shared));
        for (const [index, layer] of image.entries())
          assert.equal(leftOut.has(`${index}`), !opened.has(layer), `${index} of ${image.join()} on ${other.join()}`);
      }),
    );
  });
});
