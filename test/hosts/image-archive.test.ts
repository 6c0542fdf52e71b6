import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { chainIds, configOf, layersNotNeeded, olderLayer, withoutLayers } from "../../src/hosts/image-archive.ts";
import { layerSizes } from "../../src/hosts/layer-sizes.ts";
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

const untouched = (archive: AsyncIterable<Uint8Array>) => withoutLayers(archive, [], new Set());

const anyLengths = fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 1, maxLength: 5 });
const anyLayers = fc.uniqueArray(fc.string({ maxLength: 700 }), { minLength: 1, maxLength: 7 });

type Layout = "older" | "oci";
type TestEntry = { path: string; layer?: string; bytes: Buffer };

const digestOf = (content: string): string => `sha256:${hex(content)}`;

/** As an engine before 25 describes its layers: an id is the digest of the description with the chain id in it, keys in their order. */
function olderFolders(contents: readonly string[]): { id: string; json: string }[] {
  const chain = chainIds(contents.map(digestOf));
  const folders: { id: string; json: string }[] = [];
  for (const [index, layer] of chain.entries()) {
    const below = folders.at(-1)?.id;
    const container = '"container_config":{"Env":null,"Cmd":["a\\u0026b\\u003c"]},"created":"1970-01-01T00:00:00Z"';
    const parent = below === undefined ? "" : `,"parent":"sha256:${below}"`;
    const highest = index === chain.length - 1;
    const id = hex(`{${container},"layer_id":"${layer}"${highest ? ',"os":"linux"' : ""}${parent}}`);
    folders.push({
      id,
      json: `{"id":"${id}",${below === undefined ? "" : `"parent":"${below}",`}${container},"os":"linux"}`,
    });
  }
  return folders;
}

function entriesOf(contents: readonly string[], layout: Layout): TestEntry[] {
  const entry = (path: string, content: string): TestEntry => ({ path, bytes: tarEntry(path, content) });
  const folders = olderFolders(contents);
  const layers = contents.flatMap((content, index): TestEntry[] => {
    if (layout === "oci") return [{ ...entry(`blobs/sha256/${hex(content)}`, content), layer: digestOf(content) }];
    const { id, json } = folders[index] ?? { id: "", json: "" };
    const file = { ...entry(`${id}/layer.tar`, content), layer: digestOf(content) };
    return [entry(`${id}/VERSION`, "1.0"), entry(`${id}/json`, json), file];
  });
  const config = layout === "oci" ? `blobs/sha256/${hex("config")}` : `${hex("config")}.json`;
  const paths = layers.filter(({ layer }) => layer !== undefined).map(({ path }) => path);
  const manifest = JSON.stringify([{ Config: config, RepoTags: null, Layers: paths }]);
  return [...layers, entry(config, "{}"), entry("manifest.json", manifest)];
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
        async (contents, layout, chosen, lengths) => {
          const entries = entriesOf(contents, layout);
          const layers = contents.map(digestOf);
          const leftOut = new Set(layers.filter((_, index) => chosen[index]));
          const given = await collected(withoutLayers(inPieces(archiveOf(entries), lengths), layers, leftOut));
          const rest = entries.filter(({ layer }) => layer === undefined || !leftOut.has(layer));
          assert.ok(given.equals(archiveOf(rest)));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("tells its configuration, in both layouts", async () => {
    for (const layout of ["older", "oci"] as const)
      assert.equal(await configOf(inPieces(archiveOf(entriesOf(["one"], layout)))), digestOf("config"));
  });

  it("travels with a layer that is not recognised, whatever is said of it", async () => {
    const strange = tarEntry(`${hex("x")}/json`, JSON.stringify({ id: hex("x"), created: "yesterday" }));
    const whole = Buffer.concat([strange, tarEntry(`${hex("x")}/layer.tar`, "content"), endOfTar]);
    const layers = [digestOf("content")];
    assert.ok((await collected(withoutLayers(inPieces(whole), layers, new Set(layers)))).equals(whole));
  });

  it("that is cut anywhere is refused", async () => {
    const whole = archiveOf(entriesOf(["first layer", "second"], "older"));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length - endOfTar.length }), async (length) => {
        await assert.rejects(collected(untouched(inPieces(whole.subarray(0, length)))), hasCode("archive/corrupt"));
      }),
    );
  });

  it("whose header was changed in any byte is refused, and so is one that goes on after its end", async () => {
    const whole = archiveOf(entriesOf(["first layer"], "older"));
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 511 }), async (at) => {
        // What follows the end of the sum's own digits is filling, which no sum covers.
        fc.pre(at !== 155);
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ 0x01;
        await assert.rejects(collected(untouched(inPieces(changed))), hasCode("archive/corrupt"));
      }),
      { numRuns: 60 },
    );
    const longer = Buffer.concat([whole, Buffer.from("more")]);
    await assert.rejects(collected(untouched(inPieces(longer))), hasCode("archive/corrupt"));
  });

  it("that holds no image, or two, is refused", async () => {
    const none = Buffer.concat([tarEntry("manifest.json", "[]"), endOfTar]);
    await assert.rejects(configOf(inPieces(none)), hasCode("archive/not-one-image"));
    const image = { Config: `${hex("c")}.json`, Layers: [] };
    const two = Buffer.concat([tarEntry("manifest.json", JSON.stringify([image, image])), endOfTar]);
    await assert.rejects(configOf(inPieces(two)), hasCode("archive/not-one-image"));
    const rubbish = Buffer.concat([tarEntry("manifest.json", "{nothing"), endOfTar]);
    await assert.rejects(configOf(inPieces(rubbish)), hasCode("archive/not-one-image"));
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
      assert.ok((await collected(untouched(inPieces(bytes, [700])))).equals(bytes));
    }
  });
});

describe("a layer of an archive in the older layout", () => {
  // As Docker 20.10.24 wrote them for an image of seven layers.
  const layers = [
    "sha256:7bc9f957ca9182040be68bc0c52287b84f223201dfaff9bd087acf8f3fd2813c",
    "sha256:133e23317b9c586b5e11fc602aaa98ac735001de57554ce1145f15abb2128084",
    "sha256:3e9d2f4f73bbd53f08436f31d2f461b5e49924d97e927954d7fdcd78ccd12424",
    "sha256:1666cc361fe7e5e7393a9734989035f9131d283df9dd65e3b90df7a3c5acb095",
    "sha256:53a38042ebdfd920fbc16df3f3606d1196ef1e73eb1b9cd9213d313a5b259ff0",
    "sha256:d1436b77abff3c0fe4036a354146f78050ba4049de1c9c7ae3f6d69c6e10e615",
    "sha256:54e299cef97dce74face28ee50e3a078b3417752e3ca4c8cdbd0aa64a097cc51",
  ];
  const second = `{"id":"68a66c42cda41dc46173e7fefd62f26926647d78c1b9af4728105aa9d2b29811","parent":"1b5829888d6158226c6ebbcac9b2c32bd8e7b837d98962f08a27416924cb96e3","created":"1970-01-01T00:00:00Z","container_config":{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,"Image":"","Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":null},"os":"linux"}`;
  const highest = `{"id":"3988ad38af3214b35c8feb5098fe35778b1fb2cf72a53b03135571177f82913d","parent":"d96622df0efdbb10654d85c32353142d435d2e76d0258fd044ec8b7a6bcec198","created":"2026-11-21T15:58:46.957720714Z","container_config":{"Hostname":"","Domainname":"","User":"","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":null,"Cmd":null,"Image":"","Volumes":null,"WorkingDir":"","Entrypoint":null,"OnBuild":null,"Labels":null},"config":{"Hostname":"","Domainname":"","User":"node","AttachStdin":false,"AttachStdout":false,"AttachStderr":false,"Tty":false,"OpenStdin":false,"StdinOnce":false,"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","NODE_VERSION=24.20.0"],"Cmd":["node","server.mjs"],"ArgsEscaped":true,"Image":"","Volumes":null,"WorkingDir":"/app","Entrypoint":["docker-entrypoint.sh"],"OnBuild":null,"Labels":{"lab.shiplock.recipe":"27684dbf4c9e","org.opencontainers.image.created":"2026-11-21T15:58:45+00:00","org.opencontainers.image.revision":"493126c28f738dbd645d38e46c97c52bf1c46a8e"}},"architecture":"amd64","os":"linux"}`;

  it("is recognised by its name, as an engine writes it", () => {
    const chain = chainIds(layers);
    for (const [text, place] of [
      [second, 1],
      [highest, 6],
    ] as const) {
      const description = JSON.parse(text) as { id: string };
      assert.equal(olderLayer(description.id, description, chain), place);
      assert.equal(olderLayer(description.id, { ...description, created: "1970-01-02T00:00:00Z" }, chain), null);
      assert.equal(olderLayer(description.id, description, chainIds(layers.toReversed())), null);
    }
  });
});

describe("the sizes of layers", () => {
  it("are those of the instructions that made them, also where one changed nothing", () => {
    const history = [
      { instruction: "", bytes: 80 },
      { instruction: "COPY root/ / # buildkit", bytes: 140 },
      { instruction: "ENV A=b", bytes: 0 },
      { instruction: "WORKDIR /app", bytes: 0 },
      { instruction: "COPY server.mjs ./ # buildkit", bytes: 12 },
      { instruction: '/bin/sh -c #(nop)  CMD ["node"]', bytes: 0 },
    ];
    assert.deepEqual(layerSizes(history, 4), [80, 140, 0, 12]);
    assert.deepEqual(layerSizes(history, 5), [0, 0, 80, 140, 12]);
    assert.deepEqual(layerSizes(history, 0), []);
    assert.deepEqual(layerSizes([], 2), [0, 0]);
  });
});

describe("the layers that a host has", () => {
  it("are left out from the lowest up to the first that differs", () => {
    const there = new Set(chainIds(["a", "b", "x"]));
    assert.deepEqual([...layersNotNeeded(["a", "b", "c"], there)], ["a", "b"]);
    assert.deepEqual([...layersNotNeeded(["b", "a"], there)], []);
  });

  it("never lack what an engine would open: of any two images, all above the layers they share travels", () => {
    const layers = fc.array(fc.constantFrom("a", "b", "empty"), { maxLength: 6 });
    fc.assert(
      fc.property(layers, layers, (image, other) => {
        const there = new Set(chainIds(other));
        const leftOut = layersNotNeeded(image, there);
        let shared = 0;
        while (shared < image.length && image[shared] === other[shared]) shared += 1;
        const opened = new Set(image.slice(shared));
        for (const layer of image)
          assert.equal(leftOut.has(layer), !opened.has(layer), `${layer} of ${image.join()} on ${other.join()}`);
      }),
    );
  });
});
