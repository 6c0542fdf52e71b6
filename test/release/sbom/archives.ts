import { blockBytes } from "../../../src/hosts/tar.ts";
import { endOfTar, tarEntry } from "../../../src/hosts/tar-write.ts";

export type Entry = { path: string; content?: string; symlink?: string; hardlink?: string };

/** A tar archive of entries, as a layer or as what `docker save` gives. */
export function tarOf(
  entries: readonly { path: string; content?: Uint8Array | string; symlink?: string; hardlink?: string }[],
): Buffer {
  return Buffer.concat([
    ...entries.map(({ path, content = "", symlink, hardlink }) => {
      const entry = tarEntry(path, content, symlink ?? hardlink ?? "");
      return hardlink === undefined ? entry : asHardLink(entry);
    }),
    endOfTar,
  ]);
}

function asHardLink(entry: Buffer): Buffer {
  entry.write("1", 156, "latin1");
  entry.fill(" ", 148, 156);
  const sum = entry.subarray(0, blockBytes).reduce((total, byte) => total + byte, 0);
  entry.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return entry;
}

/** What `docker save` gave before version 25: a folder for each layer, and the manifest at the end. */
export function olderArchive(layers: readonly Uint8Array[]): Buffer {
  const paths = layers.map((_, index) => `${String(index).padStart(64, "0")}/layer.tar`);
  return tarOf([
    ...layers.map((content, index) => ({ path: paths[index] ?? "", content })),
    { path: `${"c".repeat(64)}.json`, content: '{"os":"linux"}' },
    {
      path: "manifest.json",
      content: JSON.stringify([{ Config: `${"c".repeat(64)}.json`, RepoTags: [], Layers: paths }]),
    },
  ]);
}

/** What it gives since: blobs by digest, some of them no layers, in any order. */
export function ociArchive(layers: readonly Uint8Array[]): Buffer {
  const paths = layers.map((_, index) => `blobs/sha256/${String(index).padStart(64, "a")}`);
  const blobs = layers.map((content, index) => ({ path: paths[index] ?? "", content }));
  return tarOf([
    { path: "oci-layout", content: '{"imageLayoutVersion":"1.0.0"}' },
    { path: "manifest.json", content: JSON.stringify([{ Config: `blobs/sha256/${"c".repeat(64)}`, Layers: paths }]) },
    { path: `blobs/sha256/${"c".repeat(64)}`, content: `{"os":"linux","pad":"${"x".repeat(600)}"}` },
    ...blobs.toReversed(),
    { path: "index.json", content: "{}" },
  ]);
}

/** Bytes in pieces of a size, as they come from a socket. */
export async function* inPieces(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export const dpkg = (...packages: readonly (readonly [name: string, version: string, status?: string])[]): string =>
  packages
    .map(([name, version, status = "install ok installed"]) =>
      [
        `Package: ${name}`,
        `Status: ${status}`,
        "Architecture: amd64",
        `Version: ${version}`,
        "Description: a thing",
        " Version: 9.9 (of the text, which goes on)",
        "",
      ].join("\n"),
    )
    .join("\n");

export const npm = (name: string, version: string): string => JSON.stringify({ name, version, license: "MIT" });
