import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { runProgram } from "../../../src/process.ts";
import { readImage } from "../../../src/release/sbom/read-image.ts";
import { dpkg, inPieces, npm, ociArchive, olderArchive, tarOf } from "./archives.ts";

type Files = Readonly<Record<string, string>>;
const layer = (files: Files): Buffer => tarOf(Object.entries(files).map(([path, content]) => ({ path, content })));

async function packagesIn(archive: Uint8Array): Promise<string[]> {
  const { packages } = await readImage("web", inPieces(archive));
  return packages.map(({ kind, name, version }) => `${kind} ${name} ${version}`);
}

const base = layer({
  "etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
  "var/lib/dpkg/status": dpkg(["libc6", "2.36-9"], ["old", "1.0", "deinstall ok config-files"], ["zlib1g", "1:1.2.13"]),
  "usr/share/doc/readme": "Package: not-a-package\nVersion: 1\n",
});

describe("the packages in an image", () => {
  it("are those of the system and of the languages, wherever they lie", async () => {
    const app = layer({
      "app/node_modules/left/package.json": npm("left", "1.0.0"),
      "app/node_modules/@scope/right/package.json": npm("@scope/right", "2.0.0"),
      "app/node_modules/left/node_modules/inner/package.json": npm("inner", "0.1.0"),
      "app/node_modules/left/lib/package.json": '{"type":"module"}',
      "app/package.json": npm("the-application-itself", "9.9.9"),
      "usr/lib/python3/site-packages/Django-4.2.dist-info/METADATA":
        "Metadata-Version: 2.1\nName: Django\nVersion: 4.2\nLicense: BSD-3-Clause\n\nName: of the description\n",
      "usr/lib/python3/dist-packages/six.egg-info": "Name: six\nVersion: 1.16.0\n",
      "var/lib/dpkg/status.d/tzdata": "Package: tzdata\nVersion: 2026a\nArchitecture: all\n",
      "var/lib/dpkg/status.d/tzdata.md5sums": "d41d8cd98f00b204e9800998ecf8427e  usr/share/x\n",
      "lib/apk/db/installed":
        "C:Q1abc\nP:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT\np:so:libc.musl=1\n\nP:busybox\nV:1.36-r1\nA:x86_64\nL:GPL-2.0-only\n",
    });
    for (const archive of [
      olderArchive([base, app]),
      ociArchive([base, app]),
      ociArchive([gzipSync(base), zstdCompressSync(app)]),
    ]) {
      assert.deepEqual(await packagesIn(archive), [
        "apk busybox 1.36-r1",
        "apk musl 1.2.4-r2",
        "deb libc6 2.36-9",
        "deb tzdata 2026a",
        "deb zlib1g 1:1.2.13",
        "npm @scope/right 2.0.0",
        "npm inner 0.1.0",
        "npm left 1.0.0",
        "pypi Django 4.2",
        "pypi six 1.16.0",
      ]);
    }
    const { distribution, packages } = await readImage("web", inPieces(olderArchive([base, app])));
    assert.deepEqual(distribution, { id: "debian", version: "12", name: "Debian GNU/Linux 12 (bookworm)" });
    assert.deepEqual(packages[0], {
      ...{ kind: "apk", name: "busybox", version: "1.36-r1", architecture: "x86_64", licence: "GPL-2.0-only" },
      paths: ["lib/apk/db/installed"],
    });
  });

  it("of a lower layer are gone where an upper one took them away or wrote them anew", async () => {
    const lower = layer({
      "app/node_modules/a/package.json": npm("a", "1.0.0"),
      "app/node_modules/b/package.json": npm("b", "1.0.0"),
      "app/node_modules/c/package.json": npm("c", "1.0.0"),
      "opt/x/node_modules/d/package.json": npm("d", "1.0.0"),
      "srv/node_modules/e/package.json": npm("e", "1.0.0"),
      "srv/node_modules/f/package.json": npm("f", "1.0.0"),
    });
    const upper = tarOf([
      { path: "app/node_modules/.wh.a" },
      { path: "app/node_modules/b/.wh.package.json" },
      { path: "app/node_modules/c/package.json", content: npm("c", "2.0.0") },
      { path: "opt/x/.wh..wh..opq" },
      { path: "opt/x/node_modules/new/package.json", content: npm("new", "1.0.0") },
      { path: "srv/node_modules/e", symlink: "../elsewhere/e" },
      { path: "srv/node_modules/f", content: "a file now" },
      { path: "var/lib/dpkg/status", content: dpkg(["libc6", "2.36-10"]) },
    ]);
    assert.deepEqual(await packagesIn(ociArchive([base, lower, upper])), [
      "deb libc6 2.36-10",
      "npm c 2.0.0",
      "npm new 1.0.0",
    ]);
    // The order is the manifest's, not that in which the layers lie in the archive.
    assert.ok((await packagesIn(ociArchive([upper, lower]))).includes("npm a 1.0.0"));
  });

  it("whose file is another name of one that was read are known, and the others are counted", async () => {
    const linked = tarOf([
      { path: "store/node_modules/a/package.json", content: npm("a", "1.0.0") },
      { path: "app/node_modules/a/package.json", hardlink: "store/node_modules/a/package.json" },
      { path: "app/node_modules/b/package.json", hardlink: "store/ab/cdef" },
    ]);
    const { packages, unread } = await readImage("web", inPieces(olderArchive([linked])));
    assert.deepEqual(
      packages.map(({ name, paths }) => [name, paths.length]),
      [["a", 2]],
    );
    assert.equal(unread, 1);
  });

  it("are found where a layer of the archive is a link to another of the same content", async () => {
    const paths = ["a".repeat(64), "b".repeat(64)].map((id) => `${id}/layer.tar`);
    const archive = tarOf([
      { path: paths[0] ?? "", symlink: `../${paths[1]}` },
      { path: paths[1] ?? "", content: base },
      { path: "manifest.json", content: JSON.stringify([{ Layers: paths }]) },
    ]);
    assert.deepEqual(await packagesIn(archive), ["deb libc6 2.36-9", "deb zlib1g 1:1.2.13"]);
  });

  it("are the same whatever pieces the archive comes in", async () => {
    const archive = ociArchive([base, layer({ "app/node_modules/left/package.json": npm("left", "1.0.0") })]);
    const whole = await packagesIn(archive);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3000 }), async (size) => {
        const { packages } = await readImage("web", inPieces(archive, size));
        assert.deepEqual(
          packages.map(({ kind, name, version }) => `${kind} ${name} ${version}`),
          whole,
        );
      }),
      { numRuns: 20 },
    );
  });

  it("are read from archives as tar writes them: long names, links, folders", async (context) => {
    const folder = await mkdtemp(join(tmpdir(), "shiplock-sbom-"));
    context.after(() => rm(folder, { recursive: true, force: true }));
    const deep = `app/${"a-rather-long-folder-name/".repeat(8)}node_modules/deep/package.json`;
    const files: Files = { "var/lib/dpkg/status": dpkg(["libc6", "2.36-9"]), [deep]: npm("deep", "3.0.0") };
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    for (const format of ["gnu", "pax"]) {
      const file = join(folder, `${format}.tar`);
      const args = ["-C", folder, `--format=${format}`, "-cf", file, "var", "app"];
      assert.equal((await runProgram("tar", args, { timeoutMs: 20_000 })).exitCode, 0);
      assert.deepEqual(
        await packagesIn(olderArchive([await readFile(file)])),
        ["deb libc6 2.36-9", "npm deep 3.0.0"],
        format,
      );
    }
  });

  it("of an archive that is corrupt, cut, or of another kind are not guessed: the image is named", async () => {
    const good = ociArchive([base]);
    const broken = Buffer.from(good);
    broken.fill(0x41, 512 * 3, 512 * 3 + 200);
    for (const archive of [
      broken,
      good.subarray(0, good.length / 2),
      Buffer.from("no archive at all".repeat(100)),
      tarOf([{ path: "index.json", content: "{}" }]),
      tarOf([{ path: "manifest.json", content: '[{"Layers":["nowhere/layer.tar"]}]' }]),
      tarOf([{ path: "manifest.json", content: "[{},{}]" }]),
      ociArchive([gzipSync(base).subarray(0, 80)]),
      ociArchive([Buffer.concat([gzipSync(base).subarray(0, 80), Buffer.alloc(400, 7)])]),
    ])
      await assert.rejects(readImage("web", inPieces(archive)), { code: "sbom/unreadable-image", message: /"web"/ });
  });

  it("need no more memory than their names, however large the layers are", async () => {
    const piece = Buffer.alloc(1024 * 1024, 7);
    const size = 300 * piece.length;
    async function* large(): AsyncGenerator<Uint8Array> {
      const head = tarOf([{ path: "app/node_modules/left/package.json", content: npm("left", "1.0.0") }]);
      const entry = tarOf([{ path: "data.bin" }]).subarray(0, 512);
      entry.write(`${size.toString(8).padStart(11, "0")}\0`, 124, "latin1");
      entry.fill(" ", 148, 156);
      entry.write(
        `${entry
          .reduce((sum, byte) => sum + byte, 0)
          .toString(8)
          .padStart(6, "0")}\0 `,
        148,
        "latin1",
      );
      const inner = Buffer.concat([entry]);
      const layerSize = head.length - 1024 + inner.length + size + 1024;
      const outer = tarOf([{ path: "0/layer.tar" }]).subarray(0, 512);
      outer.write(`${layerSize.toString(8).padStart(11, "0")}\0`, 124, "latin1");
      outer.fill(" ", 148, 156);
      outer.write(
        `${outer
          .reduce((sum, byte) => sum + byte, 0)
          .toString(8)
          .padStart(6, "0")}\0 `,
        148,
        "latin1",
      );
      yield outer;
      yield head.subarray(0, -1024);
      yield inner;
      for (let count = 0; count < 300; count += 1) yield piece;
      yield Buffer.alloc(1024);
      yield tarOf([{ path: "manifest.json", content: '[{"Layers":["0/layer.tar"]}]' }]);
    }
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    async function* watched(): AsyncGenerator<Uint8Array> {
      for await (const chunk of large()) {
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
        yield chunk;
      }
    }
    const { packages } = await readImage("web", watched());
    assert.deepEqual(
      packages.map(({ name }) => name),
      ["left"],
    );
    assert.ok(most < 64 * 1024 * 1024, `${most} bytes were held`);
  });
});
