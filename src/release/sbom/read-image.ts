import { messageOf, ShiplockError } from "../../errors.ts";
import { readTar, type TarPart } from "../../hosts/tar.ts";
import { type LayerContents, readLayer } from "./read-layer.ts";
import type { Told } from "./package-files.ts";
import type { Distribution, ImageContents, ImagePackage } from "./types.ts";

const MANIFEST_BYTES = 4 * 1024 * 1024;
const PACKAGES_AT_MOST = 200_000;

/**
 * Reads which packages an image has, from the archive that an engine gives of it (`docker save`, of the older layout or that of OCI). The archive is
 * read once, as it comes; what is held are the names of packages, of links, and of what the layers take away.
 * @param name of the image, for errors
 * @throws ShiplockError `sbom/unreadable-image`, and the engine's errors
 */
export async function readImage(name: string, archive: AsyncIterable<Uint8Array>): Promise<ImageContents> {
  try {
    const { layers, order } = await readArchive(archive);
    return merge(order.map((path) => layerAt(layers, path)));
  } catch (cause) {
    if (cause instanceof ShiplockError && !cause.code.startsWith("archive/")) throw cause;
    throw unreadable(name, messageOf(cause), cause);
  }
}

type Layers = ReadonlyMap<string, LayerContents | { link: string }>;

async function readArchive(archive: AsyncIterable<Uint8Array>): Promise<{ layers: Layers; order: readonly string[] }> {
  const layers = new Map<string, LayerContents | { link: string }>();
  let manifest: Buffer | null = null;
  const parts = readTar(archive)[Symbol.asyncIterator]();
  try {
    for (let next = await parts.next(); next.done !== true; next = await parts.next()) {
      const part = next.value;
      if (part.kind !== "entry") continue;
      const link = linkOf(part);
      if (link !== null) layers.set(part.path, { link });
      else if (part.path === "manifest.json") manifest = await wholeOf(contentOf(parts, part.size));
      else if (/\/layer\.tar$|^blobs\/[^/]+\/[^/]+$/.test(part.path)) {
        const layer = await readLayer(contentOf(parts, part.size));
        if (layer !== null) layers.set(part.path, layer);
      }
    }
  } finally {
    await parts.return?.();
  }
  return { layers, order: orderIn(manifest) };
}

/** The content of the entry that was just read; what its reader leaves is skipped by whoever goes on. */
async function* contentOf(
  parts: AsyncIterator<TarPart, void, undefined>,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let left = size; left > 0; ) {
    const next = await parts.next();
    if (next.done === true || next.value.kind !== "content") return;
    left -= next.value.bytes.length;
    yield next.value.bytes;
  }
}

async function wholeOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > MANIFEST_BYTES) throw new Error("its manifest is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A layer that is there already is a symbolic link to it in the older layout. */
function linkOf(part: Extract<TarPart, { kind: "entry" }>): string | null {
  const header = Buffer.from(part.bytes.buffer, part.bytes.byteOffset + part.bytes.byteLength - 512, 512);
  if (String.fromCharCode(header[156] ?? 0) !== "2") return null;
  const end = header.indexOf(0, 157);
  const target = header.subarray(157, Math.min(end === -1 ? 257 : end, 257)).toString("utf8");
  return new URL(target, `archive:///${part.path}`).pathname.slice(1);
}

/** The layers' paths, the lowest first. */
function orderIn(manifest: Buffer | null): readonly string[] {
  if (manifest === null) throw new Error("it has no manifest");
  const read: unknown = JSON.parse(manifest.toString("utf8"));
  const images = Array.isArray(read) ? (read as { Layers?: unknown }[]) : [];
  const layers = images.length === 1 ? images[0]?.Layers : undefined;
  if (!Array.isArray(layers) || !layers.every((path) => typeof path === "string"))
    throw new Error("its manifest does not name the layers of one image");
  return layers;
}

function layerAt(layers: Layers, path: string): LayerContents {
  const found = layers.get(path);
  const target = found !== undefined && "link" in found ? layers.get(found.link) : found;
  if (target === undefined || "link" in target) throw new Error(`the layer ${path} is missing`);
  return target;
}

function merge(layers: readonly LayerContents[]): ImageContents {
  const files = new Map<string, Told>();
  for (const layer of layers) {
    for (const path of files.keys()) if (isGone(path, layer)) files.delete(path);
    for (const [path, told] of layer.files) files.set(path, told);
  }
  const packages = new Map<string, ImagePackage & { paths: string[] }>();
  for (const [path, { packages: told }] of files) {
    for (const found of told) {
      const key = JSON.stringify([found.kind, found.name, found.version, found.architecture]);
      const known = packages.get(key);
      if (known === undefined) packages.set(key, { ...found, paths: [path] });
      else known.paths.push(path);
    }
  }
  if (packages.size > PACKAGES_AT_MOST) throw new Error(`it has more than ${PACKAGES_AT_MOST} packages`);
  const sorted = [...packages].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, found]) => found);
  for (const found of sorted) found.paths.sort();
  const distribution = distributionIn(files);
  return { distribution, packages: sorted, unread: layers.reduce((sum, layer) => sum + layer.unread, 0) };
}

function isGone(path: string, { gone, emptied }: LayerContents): boolean {
  if (gone.has(path) || emptied.has("")) return true;
  for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
    const folder = path.slice(0, slash);
    if (gone.has(folder) || emptied.has(folder)) return true;
  }
  return false;
}

function distributionIn(files: ReadonlyMap<string, Told>): Distribution | null {
  return files.get("etc/os-release")?.distribution ?? files.get("usr/lib/os-release")?.distribution ?? null;
}

function unreadable(name: string, how: string, cause: unknown): ShiplockError {
  return new ShiplockError({
    code: "sbom/unreadable-image",
    message: `the archive that the engine gave of the image "${name}" cannot be read: ${how}`,
    remedy: `run the command again; \`images.${name}.sbom: false\` leaves out the list of its packages`,
    cause,
  });
}
