import { createHash } from "node:crypto";
import { ShiplockError } from "../errors.ts";
import { isObject, textAt, textsAt } from "./json.ts";
import { readTar } from "./tar.ts";

/** A layer in the archive of an image. */
export type ArchivedLayer = {
  path: string;
  /** Of its content; 0 where the path is a link to a layer with the same content. */
  bytes: number;
};

/** What `docker save` wrote for one image: the older layout (`<id>/layer.tar`) or that of OCI (`blobs/sha256/…`). */
export type ImageArchive = {
  /** Digest of the image's configuration. */
  config: string;
  /** The lowest first, as many as the configuration names. */
  layers: readonly ArchivedLayer[];
};

const mostManifestBytes = 4 * 1024 * 1024;

/**
 * Reads an archive of one image to its end, for what is in it. Keeps nothing of its layers.
 * @throws ShiplockError `archive/corrupt`, `archive/not-one-image`
 */
export async function describeArchive(archive: AsyncIterable<Uint8Array>): Promise<ImageArchive> {
  const sizes = new Map<string, number>();
  const manifest: Uint8Array[] = [];
  let at = "";
  for await (const part of readTar(archive)) {
    if (part.kind === "entry") {
      at = part.path;
      sizes.set(at, part.size);
      if (at === "manifest.json" && part.size > mostManifestBytes) throw notOneImage();
    } else if (part.kind === "content" && at === "manifest.json") manifest.push(part.bytes);
  }
  const [image, another] = imagesIn(Buffer.concat(manifest).toString("utf8"));
  const config = image === undefined ? undefined : /([0-9a-f]{64})(?:\.json)?$/.exec(textAt(image, "Config"))?.[1];
  if (config === undefined || another !== undefined) throw notOneImage();
  const layers = textsAt(image, "Layers").map((path) => ({ path, bytes: sizes.get(path) ?? 0 }));
  return { config: `sha256:${config}`, layers };
}

function imagesIn(text: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every(isObject) ? parsed : [];
  } catch {
    return [];
  }
}

/**
 * The same archive without some of its files, byte for byte.
 * @throws ShiplockError `archive/corrupt`, also after part of it was given
 */
export async function* withoutFiles(
  archive: AsyncIterable<Uint8Array>,
  leftOut: ReadonlySet<string>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let passes = true;
  for await (const part of readTar(archive)) {
    if (part.kind === "entry") passes = !leftOut.has(part.path);
    if (passes || part.kind === "end") yield part.bytes;
  }
}

/**
 * What an engine with graph drivers calls each layer of an image: a digest of it and of all below. Only a layer on the same layers is the same layer.
 * @param layers digests of the unpacked layers, the lowest first
 */
export function chainIds(layers: readonly string[]): string[] {
  const chain: string[] = [];
  for (const layer of layers) {
    const below = chain.at(-1);
    chain.push(
      below === undefined ? layer : `sha256:${createHash("sha256").update(`${below} ${layer}`).digest("hex")}`,
    );
  }
  return chain;
}

/**
 * Files of layers that an engine with graph drivers does not open, because it has the layer. One file may be several layers of an image (each empty one, for example),
 * so it is needed as long as one of them is.
 * @param layers digests of the image's unpacked layers, the lowest first; `archived` are the same layers in the archive
 * @param there chain ids of the layers that the engine has
 */
export function layersNotNeeded(
  layers: readonly string[],
  archived: readonly ArchivedLayer[],
  there: ReadonlySet<string>,
): Set<string> {
  if (layers.length !== archived.length) throw notOneImage();
  const chain = chainIds(layers);
  const needed = new Set(layers.filter((_, index) => !there.has(chain[index] ?? "")));
  return new Set(archived.flatMap(({ path }, index) => (needed.has(layers[index] ?? "") ? [] : [path])));
}

function notOneImage(): ShiplockError {
  return new ShiplockError({
    code: "archive/not-one-image",
    message: "an engine was asked for one image, and the archive it gave does not hold exactly one",
    remedy: "look at the log of the engine that the image comes from, and run the command again",
  });
}
